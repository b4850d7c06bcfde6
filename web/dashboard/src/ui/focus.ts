import { useEffect, useRef } from "react";

/** A reference for the field that has the focus when the page opens. `data-autofocus` does this in dialogs only. */
export function useFocus() {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return field;
}
