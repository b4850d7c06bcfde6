import ArrowDown from "lucide:arrow-down";
import ArrowUp from "lucide:arrow-up";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useLayoutEffect, useRef } from "react";
import { hides, type LogSearch, textOf } from "../../address/logs";
import { count } from "../../texts/format";
import { logTexts as words } from "../../texts/logs";
import { plain } from "../../texts/safe";
import { ViewButton } from "../../ui/orders";
import type { Entry } from "./LogBuffer";
import { LogEntry } from "./LogEntry";
import classes from "./LogViewer.module.css";
import { nearestLine } from "./lines";
import { useCopiedLines } from "./useCopiedLines";
import type { Visible } from "./useJump";
import type { Log } from "./useLog";
import { useScrollPlace } from "./useScrollPlace";

const ROW = 21;

interface Props {
  log: Log;
  search: LogSearch;
  wrap: boolean;
  showRobot: boolean;
  /** Copies a link to a line. */
  onLink: (line: number) => void;
  /** Goes to the first line of the log, or to its end. */
  onGo: (place: "first" | "end") => void;
  visible: Visible;
  /** Shown below the last line when no line follows. */
  end?: ReactNode;
}

/** Height of an entry before it is measured; exact while lines are not wrapped. */
function heightOf(entry: Entry | undefined): number {
  if (entry?.kind !== "line" || !entry.row.message.includes("\n")) return ROW;
  return ROW * plain(entry.row.message).split("\n").length;
}

/** A virtual list of log lines. It follows new lines until the user scrolls up. */
export function LogViewer({ log, search, wrap, showRobot, onLink, onGo, visible, end }: Props) {
  const { entries, older, newer } = log;
  const linked = typeof search.line === "number" ? search.line : null;
  const scroller = useRef<HTMLDivElement>(null);
  const { all, rangeExtractor, handlers } = useCopiedLines(entries, scroller);
  const virtual = useVirtualizer<HTMLDivElement, Element>({
    count: entries.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => heightOf(entries[index]),
    getItemKey: (index) => entries[index]?.id ?? index,
    overscan: 30,
    rangeExtractor,
  });
  const ended = end !== undefined && !newer;
  const { follow, news, toEnd, toStart, scrolled } = useScrollPlace(log, virtual, scroller, linked, ended);

  // Wrapped and unwrapped lines have different heights.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `wrap` changes the heights
  useLayoutEffect(() => {
    virtual.measure();
    for (const row of virtual.elementsCache.values()) virtual.measureElement(row);
  }, [wrap, virtual]);

  useEffect(() => {
    visible.current = () => {
      const { range } = virtual;
      if (range === null) return null;
      const shown = entries.slice(range.startIndex, range.endIndex + 1);
      const first = nearestLine(shown, 0, 1, () => true);
      const last = nearestLine(shown, Number.POSITIVE_INFINITY, -1, () => true);
      return first === null || last === null ? null : { first, last };
    };
    return () => {
      visible.current = () => null;
    };
  }, [visible, virtual, entries]);

  const more = (label: string, load: () => Promise<void>) => (
    <ViewButton size="compact-xs" variant="subtle" onClick={() => void load()}>
      {label}
    </ViewButton>
  );
  const text = textOf(search);
  return (
    <div className={classes.frame} data-wrap={wrap} data-robot={showRobot}>
      <div
        ref={scroller}
        className={classes.scroller}
        onScroll={scrolled}
        {...handlers}
        data-all={all}
        role="log"
        aria-label={words.table}
        aria-live="off"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable element must be reachable by keyboard
        tabIndex={0}
      >
        <div className={classes.note}>
          {!older ? words.beginning : log.loading ? words.loading : more(words.searchOlder, log.loadOlder)}
        </div>
        <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
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
                <LogEntry
                  entry={entry}
                  linked={entry.id === String(linked)}
                  showRobot={showRobot}
                  text={text}
                  filtered={hides(search) ? search : undefined}
                  onLink={onLink}
                />
              </div>
            );
          })}
        </div>
        {newer && (
          <div className={classes.note}>{log.loading ? words.loading : more(words.searchNewer, log.loadNewer)}</div>
        )}
        {ended && <div className={classes.end}>{end}</div>}
      </div>
      <div className={classes.buttons}>
        {(older || (virtual.range?.startIndex ?? 0) > 0) && (
          <ViewButton
            size="compact-sm"
            variant="default"
            leftSection={<ArrowUp size={13} aria-hidden />}
            onClick={() => {
              if (older) onGo("first");
              else toStart();
            }}
          >
            {words.toFirst}
          </ViewButton>
        )}
        {!follow && (
          <ViewButton
            size="compact-sm"
            leftSection={<ArrowDown size={13} aria-hidden />}
            onClick={() => {
              onGo("end");
              if (!newer) toEnd();
            }}
          >
            {news === 0 ? words.follow : news === 1 ? words.newLine : words.newLines(count(news))}
          </ViewButton>
        )}
      </div>
    </div>
  );
}
