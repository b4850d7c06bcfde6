import { BASE } from "../address/base";
import { common } from "../texts/common";

/** What the title and the icon of the window show besides the page. */
export interface Signs {
  /** The page has no live data. */
  lost: boolean;
  /** Jobs that failed in the last hour. */
  failures: number;
}

let page: string = common.product;
let signs: Signs = { lost: false, failures: 0 };

function show(): void {
  const sign = signs.lost ? common.window.lost : signs.failures > 0 ? common.window.failures(signs.failures) : null;
  document.title = [sign, page].filter((part) => part !== null).join(" · ");
  const icon = document.querySelector<HTMLLinkElement>("link[rel='icon']");
  const file = `${BASE}/${signs.lost ? "icon-lost" : signs.failures > 0 ? "icon-failed" : "icon"}.svg`;
  if (icon !== null && icon.getAttribute("href") !== file) icon.setAttribute("href", file);
}

export function setWindowTitle(title: string): void {
  page = `${title} · ${common.product}`;
  show();
}

export function setWindowSigns(changed: Signs): void {
  signs = changed;
  show();
}
