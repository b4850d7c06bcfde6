import { type ListSort, sortOf } from "./sort";

/** Filter and order of the list of workflows as the page address has them: `/workflows?q=sap&sort=-robots`. */
export interface WorkflowSearch {
  q?: string;
  sort?: ListSort;
}

export const WORKFLOW_SORTS = ["workflow", "robots", "last"] as const;

/** Reads them from an address; unknown names and values are ignored. */
export function searchOfWorkflows(given: Record<string, unknown>): WorkflowSearch {
  const sort = sortOf(given.sort, WORKFLOW_SORTS);
  return {
    ...(typeof given.q === "string" && given.q !== "" ? { q: given.q } : {}),
    ...(sort === undefined ? {} : { sort }),
  };
}
