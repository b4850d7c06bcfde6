import type { RobotState as LiveRobot } from "@casare/client";
import type { RobotSearch } from "../../address/robots";
import type { Robot, RobotOrder } from "../../api/robots";
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

/** Strength of the status colour: 1 up to 45 s after the last heartbeat, then falling to 0 at 120 s.
 *
 * An offline robot has 1, or 0 if it never connected: only a lost robot is a problem.
 */
export function strengthOf(robot: Robot, now: number): number {
  if (robot.status === "offline") return robot.last_seen_at === null && robot.last_heartbeat_at === null ? 0 : 1;
  if (robot.last_heartbeat_at === null) return 0.5;
  const age = (now - Date.parse(robot.last_heartbeat_at)) / 1000;
  if (age <= FRESH_SECONDS) return 1;
  return Math.max(0, 1 - (age - FRESH_SECONDS) / (OLD_SECONDS - FRESH_SECONDS));
}

const byId = new Intl.Collator(undefined, { numeric: true });

/** The robots in the order of their names, or of their ids without a name. Numbers in them count as numbers. */
export function sortedRobots(robots: readonly Robot[]): Robot[] {
  return [...robots].sort(
    (a, b) => byId.compare(a.name || a.robot_id, b.name || b.robot_id) || byId.compare(a.robot_id, b.robot_id),
  );
}

/** The robots that match the filters apart from the state, and their number by state. */
export interface Matching {
  robots: readonly Shown[];
  counts: Readonly<Record<ShownRobotState, number>>;
}

interface Kept {
  live: LiveRobot | undefined;
  shown: Shown;
}
const kept = new WeakMap<Robot, Kept>();

/** A robot with its live state. Returns the same object until one of both changes. */
function shownOf(stored: Robot, live: LiveRobot | undefined): Shown {
  const known = kept.get(stored);
  if (known !== undefined && known.live === live) return known.shown;
  const robot = merged(stored, live);
  const shown = { robot, state: stateOf(robot) };
  kept.set(stored, { live, shown });
  return shown;
}

/** The robots of a sorted list that match: disconnected ones first, ones that never connected last. */
export function matchingRobots(
  sorted: readonly Robot[],
  live: ReadonlyMap<string, LiveRobot>,
  { q, tag }: RobotSearch,
): Matching {
  const wanted = q?.toLowerCase() ?? "";
  const groups: [Shown[], Shown[], Shown[]] = [[], [], []];
  const counts = { idle: 0, busy: 0, draining: 0, offline: 0 };
  for (const stored of sorted) {
    if (tag !== undefined && !stored.tags.includes(tag)) continue;
    if (
      wanted !== "" &&
      ![stored.robot_id, stored.name, ...stored.tags].some((text) => text.toLowerCase().includes(wanted))
    )
      continue;
    const one = shownOf(stored, live.get(stored.robot_id));
    counts[one.state] += 1;
    groups[order(one)].push(one);
  }
  return { robots: groups.flat(), counts };
}

/** The matching robots in the wanted state. */
export function shownRobots({ robots }: Matching, state: ShownRobotState | undefined): readonly Shown[] {
  return state === undefined ? robots : robots.filter((one) => one.state === state);
}

function order({ robot, state }: Shown): 0 | 1 | 2 {
  if (state !== "offline") return 1;
  return robot.last_seen_at === null ? 2 : 0;
}

/** Every tag with the number of its robots, by name. */
export function tagsOf(robots: readonly Robot[]): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  for (const { tags } of robots) for (const tag of tags) numbers.set(tag, (numbers.get(tag) ?? 0) + 1);
  return new Map([...numbers].sort(([a], [b]) => byId.compare(a, b)));
}

/** Robots with a tag; `tag` is null for robots without tags. */
export interface TagGroup {
  tag: string | null;
  robots: readonly Shown[];
}

/** The robots by tag, by name; a robot is in the group of each of its tags. With `only`, the group of this tag alone. */
export function groupsOf(robots: readonly Shown[], only: string | undefined): TagGroup[] {
  if (only !== undefined) return [{ tag: only, robots }];
  const groups = new Map<string, Shown[]>();
  const untagged: Shown[] = [];
  for (const one of robots) {
    if (one.robot.tags.length === 0) untagged.push(one);
    for (const tag of one.robot.tags) {
      const group = groups.get(tag);
      if (group === undefined) groups.set(tag, [one]);
      else group.push(one);
    }
  }
  const tagged = [...groups].sort(([a], [b]) => byId.compare(a, b)).map(([tag, members]) => ({ tag, robots: members }));
  return untagged.length === 0 ? tagged : [...tagged, { tag: null, robots: untagged }];
}

/** The robots that an order changes: a drain only those without one, a resume only drained ones. */
export function affectedBy(order: RobotOrder, robots: readonly Robot[]): Robot[] {
  if (order === "restart") return [...robots];
  return robots.filter((robot) => (robot.draining === null) === (order === "drain"));
}
