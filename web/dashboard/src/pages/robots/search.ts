import { common } from "../../texts/common";
import type { RobotState } from "../../ui/StatusBadge";

/** What the address says about the robots: `/robots?view=list&state=offline&q=sap`. */
export interface RobotSearch {
  view?: "list";
  state?: RobotState;
  q?: string;
}

export function searchOfRobots(given: Record<string, unknown>): RobotSearch {
  return {
    ...(given.view === "list" ? { view: "list" as const } : {}),
    ...(typeof given.state === "string" && given.state in common.robot ? { state: given.state as RobotState } : {}),
    ...(typeof given.q === "string" && given.q !== "" ? { q: given.q } : {}),
  };
}
