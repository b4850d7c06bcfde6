import type { RobotState } from "@casare/client";
import { Link } from "@tanstack/react-router";
import type { Overview } from "../../api/overview";
import { common } from "../../texts/common";
import { count } from "../../texts/format";
import { overviewTexts as words } from "../../texts/overview";
import classes from "./overview.module.css";

type Fleet = Overview["robots"];
const ORDER = ["busy", "idle", "draining", "offline"] as const;

/** Number of robots by state: from the live stream while it has the same robots as the store, otherwise from `known`. */
export function FleetBar({ robots, known }: { robots: ReadonlyMap<string, RobotState>; known: Fleet }) {
  const stored = ORDER.reduce((sum, state) => sum + known[state], 0);
  const fleet = robots.size === stored ? counted(robots) : known;
  const total = ORDER.reduce((sum, state) => sum + fleet[state], 0);
  return (
    <div className={classes.figure}>
      <Link to="/robots" className={classes.cover}>
        <span className={classes.label}>{words.robots}</span>
        <span className={classes.value} data-tone={toneOf(fleet.offline, total)}>
          {count(total - fleet.offline)}
        </span>
      </Link>
      <span className={classes.note}>{words.connected(count(total - fleet.offline), count(total))}</span>
      <span
        className={classes.bar}
        role="img"
        aria-label={ORDER.map((state) => `${fleet[state]} ${common.robot[state]}`).join(", ")}
      >
        {ORDER.map((state) => (
          <span key={state} data-state={state} style={{ flexGrow: fleet[state] }} />
        ))}
      </span>
    </div>
  );
}

const MANY = 0.1;
const MOST = 0.5;

/** Red when most robots are offline, amber when many are. */
function toneOf(offline: number, total: number): "failed" | "pending" | undefined {
  const share = total === 0 ? 0 : offline / total;
  return share >= MOST ? "failed" : share >= MANY ? "pending" : undefined;
}

function counted(robots: ReadonlyMap<string, RobotState>): Fleet {
  const fleet = { idle: 0, busy: 0, offline: 0, draining: 0 };
  for (const robot of robots.values())
    fleet[robot.draining === true && robot.status !== "offline" ? "draining" : robot.status] += 1;
  return fleet;
}
