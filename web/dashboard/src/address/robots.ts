import { common, type ShownRobotState } from "../texts/common";
import { rangeFields, type TimeRange } from "./range";
import { type ListSort, sortOf } from "./sort";

/** How the robots are shown; without a view, as cards. */
export type RobotView = (typeof VIEWS)[number];
const VIEWS = ["list", "map", "time"] as const;
/** The range of the view `time` without one in the address. */
export const LANES_RANGE: TimeRange = "1h";

/** View and filters of the robots as the page address has them: `/robots?view=list&state=offline&tag=sap&q=desk`. */
export interface RobotSearch {
  view?: RobotView;
  /** The time that the view `time` shows. */
  range?: TimeRange;
  state?: ShownRobotState;
  tag?: string;
  q?: string;
  /** The order of the list; without it, disconnected robots are first. */
  sort?: ListSort;
}

export const ROBOT_SORTS = ["robot", "state", "cpu", "memory", "job"] as const;

/** Reads the known filters from an address; unknown names and values are ignored. */
export function searchOfRobots(given: Record<string, unknown>): RobotSearch {
  const sort = sortOf(given.sort, ROBOT_SORTS);
  return {
    ...(sort === undefined ? {} : { sort }),
    ...(VIEWS.includes(given.view as RobotView) ? { view: given.view as RobotView } : {}),
    ...(typeof given.range === "string" && rangeFields(given.range, 0) !== null ? { range: given.range } : {}),
    ...(typeof given.state === "string" && Object.hasOwn(common.robot, given.state)
      ? { state: given.state as ShownRobotState }
      : {}),
    ...(typeof given.tag === "string" && given.tag !== "" ? { tag: given.tag } : {}),
    ...(typeof given.q === "string" && given.q !== "" ? { q: given.q } : {}),
  };
}
