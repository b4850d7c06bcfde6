import type { Virtualizer } from "@tanstack/react-virtual";
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { indexFrom } from "./LogBuffer";
import type { Log } from "./useLog";

/** Distance from the end, in pixels, that counts as at the end. */
const NEAR = 24;
/** Distance from an end of the loaded lines, in pixels, at which more are loaded. */
const AHEAD = 400;

const distanceToEnd = ({ scrollHeight, scrollTop, clientHeight }: HTMLElement) =>
  scrollHeight - scrollTop - clientHeight;

interface ScrollPlace {
  /** The last line stays visible when lines arrive. */
  follow: boolean;
  /** Number of live lines that arrived since the end was visible. */
  news: number;
  toEnd: () => void;
  toStart: () => void;
  scrolled: () => void;
}

/** Where the viewer is scrolled to: it follows the end, or keeps the visible lines while others are added or removed.
 *
 * @param linked `log_id` of the line to show
 * @param ended a mark below the last line, which moves the end
 */
export function useScrollPlace(
  log: Log,
  virtual: Virtualizer<HTMLDivElement, Element>,
  scroller: RefObject<HTMLDivElement | null>,
  linked: number | null,
  ended: boolean,
): ScrollPlace {
  const { entries, arrived, older, newer, loadOlder, loadNewer, opened } = log;
  const [wanted, setFollow] = useState(opened.at === "end");
  const [seen, setSeen] = useState(0);
  const follow = wanted && !newer;

  /** The position at which this hook left the view while it followed. */
  const placed = useRef(0);
  const placeAtEnd = useCallback(() => {
    const host = scroller.current;
    if (host === null) return;
    host.scrollTop = host.scrollHeight;
    placed.current = host.scrollTop;
  }, [scroller]);

  // While following, stay at the end when lines arrive or turn out to be higher.
  const height = virtual.getTotalSize();
  // biome-ignore lint/correctness/useExhaustiveDependencies: `height`, `entries` and `ended` move the end
  useLayoutEffect(() => {
    const host = scroller.current;
    if (!follow || host === null) return;
    // The user has scrolled up, and the event of it comes later. A view that only got shorter is still at its end.
    if (host.scrollTop < placed.current - NEAR && distanceToEnd(host) >= NEAR) return;
    placeAtEnd();
    setSeen(arrived);
  }, [follow, entries, arrived, height, ended]);

  // When entries are added or removed above, keep the visible lines at their position.
  const anchor = useRef<{ line: number; offset: number } | null>(null);
  const firstId = entries[0]?.id;
  const known = useRef(firstId);
  useLayoutEffect(() => {
    const changed = known.current !== firstId;
    known.current = firstId;
    const host = scroller.current;
    if (!changed || follow || anchor.current === null || host === null) return;
    const { index, exact } = indexFrom(entries, anchor.current.line);
    const start = virtual.measurementsCache[index]?.start;
    if (exact && start !== undefined) host.scrollTop = start + anchor.current.offset;
  }, [firstId, entries, follow, virtual, scroller]);

  // Show the place at which the log was opened.
  const place = useRef(0);
  useLayoutEffect(() => {
    if (place.current === opened.times) return;
    place.current = opened.times;
    setFollow(opened.at === "end");
    setSeen(arrived);
    if (opened.at === "end") placeAtEnd();
    else if (opened.at === "first") scroller.current?.scrollTo({ top: 0 });
    else virtual.scrollToIndex(indexFrom(entries, opened.at).index, { align: "center" });
  }, [opened, entries, arrived, virtual, scroller, placeAtEnd]);

  // Show a line that was loaded before. New entries do not move the view back to it.
  const present = linked !== null && indexFrom(entries, linked).exact;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the index changes with `entries`
  useEffect(() => {
    if (linked === null || !present) return;
    setFollow(false);
    const { index } = indexFrom(entries, linked);
    const { range } = virtual;
    if (range === null || index <= range.startIndex || index >= range.endIndex)
      virtual.scrollToIndex(index, { align: "center" });
  }, [linked, present, virtual]);

  const scrolled = () => {
    const host = scroller.current;
    if (host === null) return;
    const top = virtual.getVirtualItemForOffset(host.scrollTop);
    const entry = top === undefined ? undefined : entries[top.index];
    anchor.current =
      top === undefined || entry?.kind !== "line"
        ? null
        : { line: entry.row.log_id, offset: host.scrollTop - top.start };
    const left = distanceToEnd(host);
    const atEnd = left < NEAR && !newer;
    if (atEnd) placed.current = host.scrollTop;
    if (atEnd !== follow) {
      setFollow(atEnd);
      setSeen(arrived);
    }
    if (host.scrollTop < AHEAD && older && !atEnd) void loadOlder();
    else if (left < AHEAD && newer) void loadNewer();
  };

  const toEnd = useCallback(() => {
    setFollow(true);
    placeAtEnd();
  }, [placeAtEnd]);
  const toStart = useCallback(() => {
    setFollow(false);
    scroller.current?.scrollTo({ top: 0 });
  }, [scroller]);
  return { follow, news: arrived - seen, toEnd, toStart, scrolled };
}
