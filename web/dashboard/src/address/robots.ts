import { common, type ShownRobotState } from "../texts/common";

/** View and filters of the robot list as the page address has them: `/robots?view=list&state=offline&q=sap`. */
export interface RobotSearch {
  view?: "list";
  state?: ShownRobotState;
  q?: string;
}

/** Reads the known filters from an address; unknown names and values are ignored. */
export function searchOfRobots(given: Record<string, unknown>): RobotSearch {
  return {
    ...(given.view === "list" ? { view: "list" as const } : {}),
    ...(typeof given.state === "string" && given.state in common.robot
      ? { state: given.state as ShownRobotState }
      : {}),
    ...(typeof given.q === "string" && given.q !== "" ? { q: given.q } : {}),
  };
}
