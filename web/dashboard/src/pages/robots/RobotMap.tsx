import { Link, useNavigate, useRouter } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type MouseEvent, memo, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { RobotSearch } from "../../address/robots";
import { common, type ShownRobotState } from "../../texts/common";
import { robotTexts as words } from "../../texts/robots";
import { plain } from "../../texts/safe";
import { scrollId, useSavedScroll } from "../../ui/savedScroll";
import { mapRows, moved, type Place } from "./mapRows";
import classes from "./RobotMap.module.css";
import { groupsOf, type Shown } from "./state";

const GAP = 4;
const HEAD_HEIGHT = 36;
/** Up to this number of robots, cells have the size that a finger can hit. */
const MANY = 2000;
const LARGE = 26;
const SMALL = 16;

const SCROLL = "robot map";

/** Robots as cells by tag, in a virtual list. One cell is in the tab order; the arrow keys, Home and End move to others. */
export function RobotMap({ shown, search }: { shown: readonly Shown[]; search: RobotSearch }) {
  const scroller = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [current, setCurrent] = useState<Place>({ row: 1, column: 0 });
  const navigate = useNavigate();
  const router = useRouter();
  const base = router.buildLocation({ to: "/robots" }).href;
  useEffect(() => {
    const host = scroller.current;
    if (host === null) return;
    const watch = new ResizeObserver(() => setWidth(host.clientWidth));
    watch.observe(host);
    return () => watch.disconnect();
  }, []);
  const size = shown.length > MANY ? SMALL : LARGE;
  const columns = Math.max(1, Math.floor((width - GAP) / (size + GAP)));
  const rows = useMemo(() => mapRows(groupsOf(shown, search.tag), columns), [shown, search.tag, columns]);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (rows[index]?.kind === "head" ? HEAD_HEIGHT : size + GAP),
    overscan: 4,
    initialOffset: useSavedScroll(SCROLL),
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the heights of the rows depend on these
  useEffect(() => virtual.measure(), [rows, size]);

  const row = rows[current.row];
  const reachable = row?.kind === "cells" && current.column < row.robots.length ? current : { row: 1, column: 0 };
  const press = (event: KeyboardEvent) => {
    const next = moved(rows, reachable, event.key);
    if (next === null || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    setCurrent(next);
    virtual.scrollToIndex(next.row);
    const cell = `[data-cell="${next.row}-${next.column}"]`;
    requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(cell)?.focus());
  };
  const open = useCallback(
    (event: MouseEvent<HTMLElement>) => {
      const robotId = (event.target as HTMLElement).dataset.robot;
      if (robotId === undefined || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      void navigate({ to: "/robots/$robotId", params: { robotId } });
    },
    [navigate],
  );
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the cells are links; their container handles the arrow keys
    <div ref={scroller} className={classes.scroller} {...scrollId(SCROLL)} onKeyDown={press} onClick={open}>
      <div role="group" aria-label={words.map} style={{ height: virtual.getTotalSize(), position: "relative" }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (row === undefined) return null;
          const style = { transform: `translateY(${item.start}px)` };
          if (row.kind === "head") {
            return (
              <div key={item.key} className={`${classes.row} ${classes.head}`} style={style}>
                {row.tag === null ? (
                  words.untagged
                ) : (
                  <Link to="/robots" search={{ ...search, tag: row.tag }} className="link">
                    {plain(row.tag)}
                  </Link>
                )}
                <span className={classes.note}>{words.ofTag(row.total, row.offline, row.draining)}</span>
              </div>
            );
          }
          return (
            <Cells
              key={item.key}
              robots={row.robots}
              index={item.index}
              start={item.start}
              size={size}
              base={base}
              reachable={reachable.row === item.index ? reachable.column : null}
            />
          );
        })}
      </div>
    </div>
  );
}

interface CellsProps {
  robots: readonly Shown[];
  index: number;
  /** Distance from the top of the map in pixels. */
  start: number;
  size: number;
  /** Address of the robots page. */
  base: string;
  /** The column in the tab order; null for none. */
  reachable: number | null;
}

/** A row of cells. Memoised, because scrolling renders the map with thousands of cells. */
const Cells = memo(function Cells({ robots, index, start, size, base, reachable }: CellsProps) {
  return (
    <div
      className={`${classes.row} ${classes.cells}`}
      data-plain={size === SMALL}
      style={{ transform: `translateY(${start}px)` }}
    >
      {robots.map(({ robot, state }, column) => (
        <Cell
          key={robot.robot_id}
          place={`${index}-${column}`}
          robotId={robot.robot_id}
          name={robot.name}
          state={state}
          never={robot.last_seen_at === null && state === "offline"}
          job={robot.current_job}
          href={`${base}/${encodeURIComponent(robot.robot_id)}`}
          size={size}
          reachable={reachable === column}
        />
      ))}
    </div>
  );
});

interface CellProps {
  place: string;
  robotId: string;
  name: string;
  state: ShownRobotState;
  /** It has never connected. */
  never: boolean;
  job: string | null;
  href: string;
  size: number;
  reachable: boolean;
}

/** One robot. A plain link, because thousands of them are shown; the map handles the press. */
const Cell = memo(function Cell({ place, robotId, name, state, never, job, href, size, reachable }: CellProps) {
  const label = words.cell(plain(name || robotId), never ? words.never : common.robot[state], job);
  return (
    // biome-ignore lint/a11y/useAnchorContent: a cell has no text; its label is an attribute
    <a
      href={href}
      className={classes.cell}
      data-cell={place}
      data-robot={robotId}
      data-state={state}
      data-never={never}
      style={{ width: size, height: size }}
      title={name === "" ? label : `${label} (${robotId})`}
      aria-label={label}
      tabIndex={reachable ? 0 : -1}
    />
  );
});
