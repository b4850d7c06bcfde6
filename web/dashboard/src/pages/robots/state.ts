import type { RobotState as LiveRobot } from "@casare/client";
import type { RobotSearch } from "../../address/robots";
import type { Robot } from "../../api/robots";
import type { ShownRobotState } from "../../texts/common";

/** A robot for a page: the stored record, updated with the last message of the stream, and its state. */
export interface Shown {
  robot: Robot;
  state: ShownRobotState;
}

const FRESH_SECONDS = 45;
const OLD_SECONDS = 120;

/** The state to show: `draining` for a connected robot that is drained, otherwise its status. */
export function stateOf(robot: Robot): ShownRobotState {
  return robot.draining !== null && robot.status !== "offline" ? "draining" : robot.status;
}

/** The stored record of a robot, updated with the last message of the stream. */
export function merged(robot: Robot, live: LiveRobot | undefined): Robot {
  if (live === undefined) return robot;
  const { status, cpu_percent, memory_mb, current_job } = live;
  const last_heartbeat_at = live.last_heartbeat_at ?? robot.last_heartbeat_at;
  return { ...robot, status, cpu_percent, memory_mb, current_job, last_heartbeat_at };
}

/** Strength of the status colour: 1 up to 45 s after the last heartbeat, then falling to 0 at 120 s. */
export function strengthOf(robot: Robot, now: number): number {
  if (robot.last_heartbeat_at === null) return robot.status === "offline" ? 1 : 0.5;
  const age = (now - Date.parse(robot.last_heartbeat_at)) / 1000;
  if (robot.status === "offline" || age <= FRESH_SECONDS) return 1;
  return Math.max(0, 1 - (age - FRESH_SECONDS) / (OLD_SECONDS - FRESH_SECONDS));
}

/** The robots that match the search: disconnected ones first, ones that never connected last, then by name. */
export function shownRobots(
  robots: readonly Robot[] | undefined = [],
  live: ReadonlyMap<string, LiveRobot>,
  search: RobotSearch,
): Shown[] {
  const wanted = search.q?.toLowerCase() ?? "";
  return robots
    .map((robot) => merged(robot, live.get(robot.robot_id)))
    .map((robot) => ({ robot, state: stateOf(robot) }))
    .filter(({ state }) => search.state === undefined || state === search.state)
    .filter(({ robot }) =>
      [robot.robot_id, robot.name, ...robot.tags].some((text) => text.toLowerCase().includes(wanted)),
    )
    .sort(
      (a, b) => order(a) - order(b) || a.robot.robot_id.localeCompare(b.robot.robot_id, undefined, { numeric: true }),
    );
}

function order({ robot, state }: Shown): number {
  if (state !== "offline") return 1;
  return robot.last_seen_at === null ? 2 : 0;
}
