import { common, type ShownRobotState } from "../texts/common";
import { type ListSort, sortOf } from "./sort";

/** View and filters of the robot list as the page address has them: `/robots?view=list&state=offline&q=sap`. */
export interface RobotSearch {
  view?: "list";
  state?: ShownRobotState;
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
    ...(given.view === "list" ? { view: "list" as const } : {}),
    ...(typeof given.state === "string" && given.state in common.robot
      ? { state: given.state as ShownRobotState }
      : {}),
    ...(typeof given.q === "string" && given.q !== "" ? { q: given.q } : {}),
  };
}
