import { useEffect, useRef } from "react";

/** Actions by key. `mod+k` is ⌘K or Ctrl+K. Keys without `mod` do nothing while a field has the focus or a dialog is open. */
export type KeyMap = Record<string, (event: KeyboardEvent) => void>;

/** Label of the key `mod` on this system. */
export const MODIFIER = /Mac|iP/.test(navigator.platform) ? "⌘" : "Ctrl";

const TYPING =
  "input:not([type='checkbox'], [type='radio']), textarea, select, [contenteditable='true'], [role='listbox'], [role='menu']";

function nameOf(event: KeyboardEvent): string {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return event.metaKey || event.ctrlKey ? `mod+${key}` : key;
}

function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof Element)) return false;
  return target.closest(TYPING) !== null || document.querySelector("[role='dialog'][aria-modal='true']") !== null;
}

/** Handles the keys while the component is mounted. */
export function useKeys(keys: KeyMap): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.altKey) return;
      const name = nameOf(event);
      const act = current.current[name];
      if (act === undefined || (!name.startsWith("mod+") && isTyping(event))) return;
      event.preventDefault();
      act(event);
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}
