import { data, type HttpComponents, type JobUpdate, parseJson } from "@casare/client";
import { type InfiniteData, infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { filterOf, type JobSearch } from "../address/jobs";
import { session } from "../session/session";
import { queries } from "./queries";
import { save } from "./save";

type Schemas = HttpComponents["schemas"];
export type Job = Schemas["JobView"];
export type JobEvent = Schemas["EventView"];
export type LogRow = Schemas["LogView"];
export type NewJob = Schemas["NewJob"];
export type Workflow = Schemas["WorkflowView"];
type JobPage = Schemas["JobList"];

const PAGE = 100;
const { http } = session;

const sortOf = ({ sort }: JobSearch) => (sort === undefined ? {} : { sort });

export const jobList = (search: JobSearch) =>
  infiniteQueryOptions({
    queryKey: ["jobs", "list", search],
    queryFn: ({ pageParam, signal }) =>
      data(
        http.GET("/api/v1/jobs", {
          params: { query: { ...filterOf(search), ...sortOf(search), limit: PAGE, cursor: pageParam } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page: JobPage) => page.next_cursor,
  });

export const jobCount = (search: JobSearch) =>
  queryOptions({
    queryKey: ["jobs", "count", search],
    queryFn: ({ signal }) => data(http.GET("/api/v1/jobs/count", { params: { query: filterOf(search) }, signal })),
  });

export const jobOf = (jobId: string) =>
  queryOptions({
    queryKey: ["jobs", "one", jobId],
    queryFn: async ({ signal }) => {
      const params = { path: { job_id: jobId } };
      return exactJob(await data(http.GET("/api/v1/jobs/{job_id}", { params, signal, parseAs: "text" })));
    },
  });

export const jobEvents = (jobId: string) =>
  queryOptions({
    queryKey: ["jobs", "events", jobId],
    queryFn: ({ signal }) =>
      data(http.GET("/api/v1/jobs/{job_id}/events", { params: { path: { job_id: jobId } }, signal })),
  });

/** The last lines of a job, oldest first. */
export const jobTail = (jobId: string, lines: number) =>
  queryOptions({
    queryKey: ["jobs", "tail", jobId, lines],
    queryFn: async ({ signal }) => {
      const found = await data(
        http.GET("/api/v1/logs", { params: { query: { job_id: jobId, limit: lines } }, signal }),
      );
      return found.items.reverse();
    },
  });

export const workflows = queryOptions({
  queryKey: ["workflows"],
  queryFn: async ({ signal }) => {
    const text = await data(http.GET("/api/v1/workflows", { signal, parseAs: "text" }));
    return parseJson(text) as Schemas["WorkflowList"]; // its only numbers are those of parameters
  },
});

/** The job of a response; its parameters and its result keep every digit of their numbers. */
function exactJob(text: string): Job {
  const { parameters, result } = parseJson(text) as Job;
  return { ...(JSON.parse(text) as Job), parameters, result };
}

export const submitJob = (key: string, job: NewJob) =>
  data(http.POST("/api/v1/jobs", { body: job, params: { header: { "idempotency-key": key } } }));

export const cancelJob = (jobId: string, reason: string) =>
  data(http.POST("/api/v1/jobs/{job_id}/cancel", { params: { path: { job_id: jobId } }, body: { reason } }));

export const retryJob = (key: string, jobId: string) =>
  data(
    http.POST("/api/v1/jobs/{job_id}/retry", {
      params: { path: { job_id: jobId }, header: { "idempotency-key": key } },
    }),
  );

export type Order = "cancel" | "retry";

/** The jobs of a bulk order: some by id, or those of a filter that were counted (`number`) at a time (`at`). */
export type Chosen = { job_ids: string[] } | { filter: JobSearch; number: number; at: string };

/** How many jobs with this filter an order would affect now. */
export const orderCount = (action: Order, search: JobSearch) =>
  queryOptions({
    queryKey: ["jobs", "order", action, search],
    queryFn: ({ signal }) =>
      data(http.POST("/api/v1/jobs/bulk", { body: { action, filter: filterOf(search), dry_run: true }, signal })),
    staleTime: 0,
    gcTime: 0,
  });

const ORDER_JOBS = 1000;

/** Cancels or retries the chosen jobs, in as many requests as needed; calls `progress` with the number done so far.
 *
 * By filter, jobs that were created after the count are left alone, and never more are affected than were counted.
 */
export async function orderJobs(
  key: string,
  action: Order,
  chosen: Chosen,
  reason: string,
  progress: (done: number) => void,
): Promise<{ done: number; refused: number }> {
  const sum = { done: 0, refused: 0 };
  const order = async (what: { job_ids: string[] } | { filter: ReturnType<typeof filterOf>; limit: number }) => {
    const body = { action, ...what, ...(reason ? { reason } : {}) };
    const header = { "idempotency-key": `${key}-${sum.done + sum.refused}` };
    const answer = await data(http.POST("/api/v1/jobs/bulk", { body, params: { header } }));
    sum.done += answer.done;
    sum.refused += answer.refused;
    progress(sum.done);
    return answer;
  };
  if ("job_ids" in chosen) {
    for (let first = 0; first < chosen.job_ids.length; first += ORDER_JOBS)
      await order({ job_ids: chosen.job_ids.slice(first, first + ORDER_JOBS) });
    return sum;
  }
  const filter = { to: chosen.at, ...filterOf(chosen.filter, Date.parse(chosen.at)) };
  for (let more = true; more && sum.done + sum.refused < chosen.number; ) {
    const answer = await order({ filter, limit: Math.min(ORDER_JOBS, chosen.number - sum.done - sum.refused) });
    more = answer.more;
  }
  return sum;
}

/** Downloads all matching jobs as CSV. */
export async function exportJobs(search: JobSearch): Promise<void> {
  const query = { ...filterOf(search), ...sortOf(search) };
  save("jobs.csv", await data(http.GET("/api/v1/jobs/export", { params: { query }, parseAs: "blob" })));
}

/** The job with the fields of a live update. */
export function updated(job: Job, update: JobUpdate): Job {
  return {
    ...job,
    status: update.status,
    progress: update.progress,
    robot_id: update.robot_id,
    reason: (update.reason as Job["reason"]) ?? null,
    attempt: update.attempt ?? job.attempt,
    message: update.message ?? job.message,
    contact: update.contact ?? null,
    pending_reasons: (update.pending_reasons as Job["pending_reasons"] | undefined) ?? job.pending_reasons,
    ...(update.status === "completed" || update.status === "failed"
      ? { finished_at: job.finished_at ?? update.timestamp }
      : {}),
    ...(update.status === "running" && job.started_at === null ? { started_at: update.timestamp } : {}),
  };
}

/** Whether a job can still be in a list with these filters, by the fields that change. */
function fits(search: JobSearch, job: Job): boolean {
  const { status, reason, robot } = search;
  return (
    (status === undefined || status.split(",").includes(job.status)) &&
    (reason === undefined || job.reason === null || reason.split(",").includes(job.reason)) &&
    (robot === undefined || job.robot_id === null || job.robot_id === robot)
  );
}

/** Writes live updates into the cached list, without jobs that no longer match.
 *
 * Returns whether the list must be loaded again: for jobs that are not in it, and for ended jobs, as updates have no error.
 */
export function patchList(search: JobSearch, updates: readonly JobUpdate[]): boolean {
  const newest = new Map(updates.map((update) => [update.job_id, update]));
  let stale = false;
  queries.setQueryData<InfiniteData<JobPage, string | null>>(jobList(search).queryKey, (known) => {
    if (known === undefined) return known;
    let touched = false;
    const pages = known.pages.map((page) => {
      if (!page.items.some((job) => newest.has(job.job_id))) return page;
      touched = true;
      const items = page.items.map((job) => {
        const update = newest.get(job.job_id);
        newest.delete(job.job_id);
        if (update?.status === "failed" && job.status !== "failed") stale = true;
        return update === undefined ? job : updated(job, update);
      });
      return { ...page, items: items.filter((job) => fits(search, job)) };
    });
    return touched ? { ...known, pages } : known;
  });
  return stale || newest.size > 0;
}
