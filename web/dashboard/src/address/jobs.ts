import { common, type FailureReason, type JobStatus } from "../texts/common";

/** Filters of the job list as the page address has them: `/jobs?status=failed&q=invoices`. */
export interface JobSearch {
  status?: JobStatus;
  reason?: FailureReason;
  queue?: string;
  robot?: string;
  q?: string;
  fingerprint?: string;
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

/** Reads the known filters from an address; unknown names and values are ignored. */
export function searchOfJobs(given: Record<string, unknown>): JobSearch {
  const search: JobSearch = {};
  if (typeof given.status === "string" && given.status in common.status) search.status = given.status as JobStatus;
  if (typeof given.reason === "string" && given.reason in common.reason) search.reason = given.reason as FailureReason;
  for (const name of ["queue", "robot", "q", "fingerprint"] as const) {
    const value = text(given[name]);
    if (value !== undefined) search[name] = value;
  }
  return search;
}

export const isFiltered = (search: JobSearch): boolean => Object.keys(search).length > 0;

/** The same filters with the parameter names of the HTTP API. */
export function filterOf({ robot, ...rest }: JobSearch) {
  return { ...rest, ...(robot === undefined ? {} : { robot_id: robot }) };
}
