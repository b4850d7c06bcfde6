import { Button } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp } from "lucide-react";
import {
  type ClipboardEvent,
  type KeyboardEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { count } from "../../texts/format";
import { logTexts as words } from "../../texts/logs";
import { plain } from "../../texts/safe";
import { copyLines, putLines } from "../../ui/copiedLines";
import type { Entry } from "./LogBuffer";
import { LogEntry } from "./LogEntry";
import classes from "./LogViewer.module.css";
import type { Log } from "./useLog";

const ROW = 21;
/** Distance from the end, in pixels, that counts as at the end. */
const NEAR = 24;
const NEAR_TOP = 400;

interface Props {
  log: Log;
  wrap: boolean;
  /** `log_id` of the line to show. */
  linked: number | null;
  showRobot: boolean;
  onLink: (line: number) => void;
  /** Shown below the last line when no line follows. */
  end?: ReactNode;
}

/** Height of an entry before it is measured; exact while lines are not wrapped. */
function heightOf(entry: Entry | undefined): number {
  if (entry?.kind !== "line" || !entry.row.message.includes("\n")) return ROW;
  return ROW * plain(entry.row.message).split("\n").length;
}

/** A virtual list of log lines. It follows new lines until the user scrolls up. */
export function LogViewer({ log, wrap, linked, showRobot, onLink, end }: Props) {
  const { entries, arrived, loadOlder, complete } = log;
  const scroller = useRef<HTMLDivElement>(null);
  const [follow, setFollow] = useState(linked === null);
  const [seen, setSeen] = useState(0);
  const virtual = useVirtualizer({
    count: entries.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => heightOf(entries[index]),
    getItemKey: (index) => entries[index]?.id ?? index,
    overscan: 30,
  });

  // Wrapped and unwrapped lines have different heights.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `wrap` changes the heights
  useLayoutEffect(() => {
    virtual.measure();
    for (const row of virtual.elementsCache.values()) virtual.measureElement(row);
  }, [wrap, virtual]);

  const toEnd = useCallback(() => {
    setFollow(true);
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  }, []);

  // While following, stay at the end when lines arrive or turn out to be higher.
  const height = virtual.getTotalSize();
  const ended = end !== undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `height`, `entries` and `ended` move the end
  useLayoutEffect(() => {
    if (!follow || scroller.current === null) return;
    scroller.current.scrollTop = scroller.current.scrollHeight;
    setSeen(arrived);
  }, [follow, entries, arrived, height, ended]);

  // When older lines are prepended, keep the visible lines at their position.
  const firstId = entries[0]?.id;
  const known = useRef<{ firstId: string | undefined; length: number }>({ firstId: undefined, length: 0 });
  useLayoutEffect(() => {
    const before = known.current;
    known.current = { firstId, length: entries.length };
    if (follow || before.firstId === undefined || before.firstId === firstId) return;
    const shift = entries.findIndex((entry) => entry.id === before.firstId);
    if (shift > 0 && scroller.current !== null)
      scroller.current.scrollTop += virtual.measurementsCache[shift]?.start ?? shift * ROW;
  }, [firstId, entries, follow, virtual]);

  // Load older pages until the linked line is present, then scroll to it once.
  const shown = useRef<number | null>(null);
  useEffect(() => {
    if (linked === null || shown.current === linked) return;
    setFollow(false);
    const index = entries.findIndex((entry) => entry.id === String(linked));
    if (index >= 0) {
      shown.current = linked;
      virtual.scrollToIndex(index, { align: "center" });
    } else if (!complete) void loadOlder();
  }, [linked, entries, complete, loadOlder, virtual]);

  const scrolled = () => {
    const host = scroller.current;
    if (host === null) return;
    const atEnd = host.scrollHeight - host.scrollTop - host.clientHeight < NEAR;
    if (atEnd !== follow) {
      setFollow(atEnd);
      setSeen(arrived);
    }
    if (host.scrollTop < NEAR_TOP && !atEnd) void loadOlder();
  };
  const news = arrived - seen;

  // Only visible rows are in the document, so the viewer selects all lines itself.
  const [all, setAll] = useState(false);
  const pressed = (event: KeyboardEvent) => {
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
  const copied = (event: ClipboardEvent<HTMLElement>) => {
    if (all)
      putLines(
        event,
        entries.flatMap((entry) => (entry.kind === "line" ? [entry.row] : [])),
      );
    else
      copyLines(event, (id) => {
        const found = entries.find((entry) => entry.id === id);
        return found?.kind === "line" ? found.row : undefined;
      });
  };

  return (
    <div className={classes.frame} data-wrap={wrap} data-robot={showRobot}>
      <div
        ref={scroller}
        className={classes.scroller}
        onScroll={scrolled}
        onKeyDown={pressed}
        onCopy={copied}
        onMouseDown={() => setAll(false)}
        data-all={all}
        role="log"
        aria-label={words.table}
        aria-live="off"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable element must be reachable by keyboard
        tabIndex={0}
      >
        <div className={classes.note}>{complete ? words.beginning : log.loading ? words.loadingOlder : ""}</div>
        <div style={{ height: height, position: "relative" }}>
          {virtual.getVirtualItems().map((item) => {
            const entry = entries[item.index];
            if (entry === undefined) return null;
            return (
              <div
                key={item.key}
                data-index={item.index}
                ref={virtual.measureElement}
                className={classes.place}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <LogEntry entry={entry} linked={entry.id === String(linked)} showRobot={showRobot} onLink={onLink} />
              </div>
            );
          })}
        </div>
        {end !== undefined && <div className={classes.end}>{end}</div>}
      </div>
      <div className={classes.buttons}>
        {!follow && (
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<ArrowUp size={13} aria-hidden />}
            onClick={() => scroller.current?.scrollTo({ top: 0 })}
          >
            {words.toTop}
          </Button>
        )}
        {!follow && (
          <Button size="compact-sm" leftSection={<ArrowDown size={13} aria-hidden />} onClick={toEnd}>
            {news === 0 ? words.follow : news === 1 ? words.newLine : words.newLines(count(news))}
          </Button>
        )}
      </div>
    </div>
  );
}
