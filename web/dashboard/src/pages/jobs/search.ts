import { common } from "../../texts/common";
import type { FailureReason, JobStatus } from "../../ui/StatusBadge";

/** What the address says about the list: `/jobs?status=failed&q=invoices`. */
export interface JobSearch {
  status?: JobStatus;
  reason?: FailureReason;
  queue?: string;
  robot?: string;
  q?: string;
  fingerprint?: string;
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

/** Takes what it knows from an address; the rest is ignored. */
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

/** The same filter as the HTTP API names it. */
export function filterOf({ robot, ...rest }: JobSearch) {
  return { ...rest, ...(robot === undefined ? {} : { robot_id: robot }) };
}
