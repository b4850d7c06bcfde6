import { type MouseEvent, type RefObject, useRef } from "react";
import { useKeys } from "./keys";

/** The main link of a row: it is, or is in, the element with the attribute `data-main`. */
const MAIN = "a[data-main], [data-main] a";

/** Opens a row by its main link: here, or in a new tab. */
export function openRow(row: Element, newTab: boolean): void {
  const link = row.querySelector<HTMLAnchorElement>(MAIN);
  if (link === null) return;
  if (newTab) window.open(link.href, "_blank", "noopener");
  else link.click();
}

/** Handlers of a row of a list: a click opens it, a middle click or one with Ctrl, ⌘ or Shift opens it in a new tab. */
export const rowClicks = {
  onClick: (event: MouseEvent<HTMLElement>) => {
    if (!onControl(event)) openRow(event.currentTarget, event.ctrlKey || event.metaKey || event.shiftKey);
  },
  onAuxClick: (event: MouseEvent<HTMLElement>) => {
    if (event.button === 1 && !onControl(event)) openRow(event.currentTarget, true);
  },
  onMouseDown: (event: MouseEvent<HTMLElement>) => {
    if (event.button === 1 && !onControl(event)) event.preventDefault(); // no scrolling by the middle button
  },
};

/** Whether the event is of a link or field inside of the row, which handles it. */
const onControl = (event: MouseEvent<HTMLElement>): boolean =>
  event.target instanceof Element && event.target.closest("a, button, input, label") !== null;

/**
 * The keys j and k move the focus to the main link of the next and previous row of a list, which Enter opens. For lists
 * whose rows next to the focused one are in the document.
 */
export function useRowKeys<Host extends HTMLElement>(): RefObject<Host | null> {
  const host = useRef<Host>(null);
  const move = (by: 1 | -1) => {
    const links: (Element | null)[] = [...(host.current?.querySelectorAll(MAIN) ?? [])];
    const current = links.indexOf(document.activeElement);
    const next = links[Math.max(0, Math.min(links.length - 1, current + by))];
    if (next instanceof HTMLElement) next.focus();
  };
  useKeys({ j: () => move(1), k: () => move(-1) });
  return host;
}
