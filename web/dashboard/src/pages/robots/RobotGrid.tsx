import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import { beatsOf } from "../../api/robots";
import { robotTexts as words } from "../../texts/robots";
import { plain } from "../../texts/safe";
import { Beats } from "../../ui/Beats";
import { useNow } from "../../ui/now";
import { useRowKeys } from "../../ui/rows";
import { RobotBadge } from "../../ui/StatusBadge";
import { scrollId, useSavedScroll } from "../../ui/savedScroll";
import { Proof } from "./Proof";
import classes from "./RobotGrid.module.css";
import { type Shown, strengthOf } from "./state";

const CARD_WIDTH = 260;
const ROW_HEIGHT = 146;

const SCROLL = "robot cards";

/** Robots as cards, in a virtual list. */
export function RobotGrid({ shown }: { shown: readonly Shown[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  // The rows around the focused card are in the document, too.
  const list = useRowKeys<HTMLUListElement>();
  const [columns, setColumns] = useState(1);
  useEffect(() => {
    const host = scroller.current;
    if (host === null) return;
    const watch = new ResizeObserver(() => setColumns(Math.max(1, Math.floor(host.clientWidth / CARD_WIDTH))));
    watch.observe(host);
    return () => watch.disconnect();
  }, []);
  const rows = useVirtualizer({
    count: Math.ceil(shown.length / columns),
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 4,
    initialOffset: useSavedScroll(SCROLL),
  });
  return (
    <div ref={scroller} className={classes.scroller} {...scrollId(SCROLL)}>
      <ul
        ref={list}
        style={{ height: rows.getTotalSize(), position: "relative", margin: 0, padding: 0, listStyle: "none" }}
        aria-label={words.table}
      >
        {rows.getVirtualItems().map((row) => (
          <li
            key={row.key}
            className={classes.row}
            style={{
              transform: `translateY(${row.start}px)`,
              gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
            }}
          >
            {shown.slice(row.index * columns, (row.index + 1) * columns).map((one) => (
              <Card key={one.robot.robot_id} {...one} />
            ))}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Card({ robot, state }: Shown) {
  const now = useNow();
  const beats = useQuery(beatsOf(robot.robot_id)).data;
  return (
    <Link
      to="/robots/$robotId"
      params={{ robotId: robot.robot_id }}
      className={classes.card}
      data-state={state}
      data-main
    >
      <span className={classes.head}>
        <span className={classes.name} title={robot.robot_id}>
          {plain(robot.name || robot.robot_id)}
        </span>
        <RobotBadge state={state} strength={strengthOf(robot, now)} />
      </span>
      <span className={classes.proof}>
        <Proof robot={robot} />
      </span>
      <Beats beats={beats} />
      <span className={classes.foot}>
        <span className="clip mono">{robot.current_job ?? robot.tags.join(", ")}</span>
        {robot.status !== "offline" && <span className="number">{Math.round(robot.cpu_percent)} %</span>}
      </span>
    </Link>
  );
}
