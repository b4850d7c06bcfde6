import type { RobotState as Told } from "@casare/client";
import type { Robot } from "../../api/robots";
import type { RobotState } from "../../ui/StatusBadge";
import type { RobotSearch } from "./search";

/** A robot as a page shows it: what is stored, with what the stream said last. */
export interface Shown {
  robot: Robot;
  state: RobotState;
}

const FRESH_SECONDS = 45;
const OLD_SECONDS = 120;

/** One word for it; a robot that drains says so while it is connected. */
export function stateOf(robot: Robot): RobotState {
  return robot.draining !== null && robot.status !== "offline" ? "draining" : robot.status;
}

export function merged(robot: Robot, told: Told | undefined): Robot {
  if (told === undefined) return robot;
  const { status, cpu_percent, memory_mb, current_job } = told;
  const last_heartbeat_at = told.last_heartbeat_at ?? robot.last_heartbeat_at;
  return { ...robot, status, cpu_percent, memory_mb, current_job, last_heartbeat_at };
}

/** 1 for proof that is fresh, 0 for none: colours fade as the last heartbeat grows old. */
export function strengthOf(robot: Robot, now: number): number {
  if (robot.last_heartbeat_at === null) return robot.status === "offline" ? 1 : 0.5;
  const age = (now - Date.parse(robot.last_heartbeat_at)) / 1000;
  if (robot.status === "offline" || age <= FRESH_SECONDS) return 1;
  return Math.max(0, 1 - (age - FRESH_SECONDS) / (OLD_SECONDS - FRESH_SECONDS));
}

/** Those that the search asks for: busy and idle first, then by name. */
export function shownRobots(robots: readonly Robot[], told: ReadonlyMap<string, Told>, search: RobotSearch): Shown[] {
  const wanted = search.q?.toLowerCase() ?? "";
  return robots
    .map((robot) => merged(robot, told.get(robot.robot_id)))
    .map((robot) => ({ robot, state: stateOf(robot) }))
    .filter(({ state }) => search.state === undefined || state === search.state)
    .filter(({ robot }) =>
      [robot.robot_id, robot.name, ...robot.tags].some((text) => text.toLowerCase().includes(wanted)),
    )
    .sort(
      (a, b) =>
        order(a.state) - order(b.state) ||
        a.robot.robot_id.localeCompare(b.robot.robot_id, undefined, { numeric: true }),
    );
}

const order = (state: RobotState) => (state === "offline" ? 1 : 0);
