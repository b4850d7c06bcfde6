/** The path below which the dashboard is published, such as `/casare`; empty at the root. The server writes it into the page. */
export const BASE = document.querySelector<HTMLMetaElement>("meta[name='casare-base']")?.content ?? "";

/** The address of the server without a trailing slash, such as `https://host.example/casare`. */
export const SERVER = window.location.origin + BASE;

/** The address of the same page below the base path; null when the page is below it already. */
export function addressBelowBase(base: string, { pathname, search, hash }: Location): string | null {
  return base === "" || `${pathname}/`.startsWith(`${base}/`) ? null : base + pathname + search + hash;
}
