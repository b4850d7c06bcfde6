import { common, type ShownRobotState } from "../texts/common";
import { type ListSort, sortOf } from "./sort";

/** View and filters of the robot list as the page address has them: `/robots?view=list&state=offline&tag=sap&q=desk`. */
export interface RobotSearch {
  view?: "list" | "map";
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
    ...(given.view === "list" || given.view === "map" ? { view: given.view } : {}),
    ...(typeof given.state === "string" && Object.hasOwn(common.robot, given.state)
      ? { state: given.state as ShownRobotState }
      : {}),
    ...(typeof given.tag === "string" && given.tag !== "" ? { tag: given.tag } : {}),
    ...(typeof given.q === "string" && given.q !== "" ? { q: given.q } : {}),
  };
}
