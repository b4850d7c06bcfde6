import type { Range } from "@tanstack/react-virtual";
import { defaultRangeExtractor } from "@tanstack/react-virtual";
import {
  type ClipboardEvent,
  type KeyboardEvent,
  type RefObject,
  useCallback,
  useEffect,
  useRef,
  useState,
} from "react";
import { copyLines, putLines } from "../../ui/copiedLines";
import { type Entry, indexFrom } from "./LogBuffer";

interface CopiedLines {
  /** All lines are selected, including lines outside of the document. */
  all: boolean;
  /** The rows to draw: the visible rows, and the rows at the ends of the selection, so that it stays while it is extended. */
  rangeExtractor: (range: Range) => number[];
  handlers: {
    onKeyDown: (event: KeyboardEvent) => void;
    onCopy: (event: ClipboardEvent<HTMLElement>) => void;
    onMouseDown: () => void;
  };
}

const lineAt = (node: Node | null): number | null => {
  const element = node instanceof Element ? node : node?.parentElement;
  const line = element?.closest<HTMLElement>("[data-line]")?.dataset.line;
  return line === undefined ? null : Number(line);
};

/** Selection and copy of log lines, of which the document has only the visible ones. */
export function useCopiedLines(entries: readonly Entry[], scroller: RefObject<HTMLElement | null>): CopiedLines {
  const [all, setAll] = useState(false);
  const [ends, setEnds] = useState<readonly number[]>([]);
  useEffect(() => {
    const changed = () => {
      const selection = document.getSelection();
      const own = selection !== null && scroller.current?.contains(selection.anchorNode);
      const found = own
        ? [lineAt(selection.anchorNode), lineAt(selection.focusNode)].filter((one) => one !== null)
        : [];
      setEnds((before) => (before.join() === found.join() ? before : found));
    };
    document.addEventListener("selectionchange", changed);
    return () => document.removeEventListener("selectionchange", changed);
  }, [scroller]);

  const newest = useRef(entries);
  newest.current = entries;
  const rangeExtractor = useCallback(
    (range: Range) => {
      const visible = defaultRangeExtractor(range);
      const more = ends.map((line) => indexFrom(newest.current, line)).filter(({ exact }) => exact);
      return [...new Set([...visible, ...more.map(({ index }) => index)])].sort((a, b) => a - b);
    },
    [ends],
  );

  const onKeyDown = (event: KeyboardEvent) => {
    const selectsAll = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a";
    if (selectsAll) {
      event.preventDefault();
      window.getSelection()?.selectAllChildren(event.currentTarget);
      setAll(true);
    } else if (event.key === "Escape") {
      setAll(false);
      window.getSelection()?.removeAllRanges();
    }
  };
  const between = (first: number, last: number) =>
    entries
      .slice(indexFrom(entries, first).index, indexFrom(entries, last).index + 1)
      .flatMap((entry) => (entry.kind === "line" ? [entry.row] : []));
  const onCopy = (event: ClipboardEvent<HTMLElement>) => {
    if (all) putLines(event, between(0, Infinity));
    else copyLines(event, between);
  };
  return { all, rangeExtractor, handlers: { onKeyDown, onCopy, onMouseDown: () => setAll(false) } };
}
