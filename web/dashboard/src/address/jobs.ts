import { common, type FailureReason, type JobStatus } from "../texts/common";
import { rangeFields, type TimeRange } from "./range";

export const SORTS = ["-created", "created", "-finished", "finished"] as const;
export type JobSort = (typeof SORTS)[number];

/** Filters of the job list as the page address has them: `/jobs?status=claimed,running&q=invoices&ended=24h`. */
export interface JobSearch {
  /** One status, or several with commas. */
  status?: string;
  /** One reason of a failure, or several with commas. */
  reason?: string;
  queue?: string;
  robot?: string;
  workflow?: string;
  q?: string;
  fingerprint?: string;
  tenant?: string;
  /** When the jobs were created, and when they ended. */
  created?: TimeRange;
  ended?: TimeRange;
  sort?: JobSort;
}

/** The statuses of jobs that a robot has, and the reasons of failures other than a cancel. */
export const OPEN = "claimed,running";
export const NOT_CANCELLED = Object.keys(common.reason)
  .filter((reason) => reason !== "cancelled")
  .join(",");

const TEXTS = ["queue", "robot", "workflow", "q", "fingerprint", "tenant"] as const;

/** The known words of a list with commas; undefined without one. */
function wordsOf(value: unknown, known: object): string | undefined {
  if (typeof value !== "string") return undefined;
  const words = [...new Set(value.split(","))].filter((word) => Object.hasOwn(known, word));
  return words.length > 0 ? words.join(",") : undefined;
}

/** Reads the known filters from an address; unknown names and values are ignored. */
export function searchOfJobs(given: Record<string, unknown>): JobSearch {
  const search: JobSearch = {};
  const status = wordsOf(given.status, common.status);
  if (status !== undefined) search.status = status;
  const reason = wordsOf(given.reason, common.reason);
  if (reason !== undefined) search.reason = reason;
  for (const name of TEXTS) {
    const value = given[name];
    if (typeof value === "string" && value !== "") search[name] = value;
  }
  for (const name of ["created", "ended"] as const) {
    const value = given[name];
    if (typeof value === "string" && rangeFields(value, 0) !== null) search[name] = value;
  }
  const sort = SORTS.find((one) => one === given.sort);
  if (sort !== undefined && !(search.ended !== undefined && sort.endsWith("created"))) search.sort = sort;
  return search;
}

/** Whether the search leaves jobs out. */
export const isFiltered = ({ sort, ...filters }: JobSearch): boolean =>
  Object.keys(filters).length > 0 || sort?.endsWith("finished") === true;

/** The same filters with the parameter names of the HTTP API. Ranges such as `24h` end at `now`. */
export function filterOf(search: JobSearch, now: number = Date.now()) {
  const { robot, workflow, tenant, status, reason, created, ended, sort: _, ...rest } = search;
  const createdIn = created === undefined ? null : rangeFields(created, now);
  const endedIn = ended === undefined ? null : rangeFields(ended, now);
  return {
    ...rest,
    ...(status === undefined ? {} : { status: status.split(",") as JobStatus[] }),
    ...(reason === undefined ? {} : { reason: reason.split(",") as FailureReason[] }),
    ...(robot === undefined ? {} : { robot_id: robot }),
    ...(workflow === undefined ? {} : { workflow_id: workflow }),
    ...(tenant === undefined ? {} : { tenant_id: tenant }),
    ...(createdIn === null ? {} : { from: createdIn.from, ...(createdIn.to === null ? {} : { to: createdIn.to }) }),
    ...(endedIn === null
      ? {}
      : { finished_from: endedIn.from, ...(endedIn.to === null ? {} : { finished_to: endedIn.to }) }),
  };
}
