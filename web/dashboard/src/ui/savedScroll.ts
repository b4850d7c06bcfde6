import { useElementScrollRestoration, useRouterState } from "@tanstack/react-router";
import { type RefObject, useEffect, useRef } from "react";

/** The attribute by which the router finds an element whose scroll position it keeps for the way back. */
export const scrollId = (id: string) => ({ "data-scroll-restoration-id": id });

/** Where the element was scrolled to when the page was left; 0 on a page that is new. It does not change later. */
export function useSavedScroll(id: string): number {
  return useRef(useElementScrollRestoration({ id })?.scrollY ?? 0).current;
}

const GIVE_UP_MS = 5000;
const MOVES = ["wheel", "pointerdown", "keydown", "touchstart"] as const;

/**
 * Scrolls an element to where it was when its page was left, as soon as the data of the page makes it long enough. It gives
 * up after five seconds, or when the user does something.
 */
export function useScrollBack(id: string, host: RefObject<HTMLElement | null>): void {
  const key = useRouterState({ select: (state) => state.location.state.__TSR_key });
  const wanted = useElementScrollRestoration({ id })?.scrollY ?? 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the position that was saved for this entry of the history
  useEffect(() => {
    const element = host.current;
    if (element === null || wanted === 0) return;
    const abort = new AbortController();
    const { signal } = abort;
    const scroll = () => {
      element.scrollTop = wanted;
      if (element.scrollTop >= wanted - 1) abort.abort();
    };
    const watch = new MutationObserver(scroll);
    watch.observe(element, { childList: true, subtree: true });
    const timer = setTimeout(() => abort.abort(), GIVE_UP_MS);
    signal.addEventListener("abort", () => {
      watch.disconnect();
      clearTimeout(timer);
    });
    for (const move of MOVES) document.addEventListener(move, () => abort.abort(), { signal, capture: true });
    scroll();
    return () => abort.abort();
  }, [key, id, host]);
}
