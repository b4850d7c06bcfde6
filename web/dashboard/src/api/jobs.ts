import { data, type HttpComponents, type JobUpdate, parseJson } from "@casare/client";
import { type InfiniteData, infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { filterOf, type JobSearch } from "../address/jobs";
import { session } from "../session/session";
import { queries } from "./queries";

type Schemas = HttpComponents["schemas"];
export type Job = Schemas["JobView"];
export type JobEvent = Schemas["EventView"];
export type LogRow = Schemas["LogView"];
export type NewJob = Schemas["NewJob"];
export type Workflow = Schemas["WorkflowView"];
type JobPage = Schemas["JobList"];

const PAGE = 100;
const { http } = session;

export const jobList = (search: JobSearch) =>
  infiniteQueryOptions({
    queryKey: ["jobs", "list", search],
    queryFn: ({ pageParam, signal }) =>
      data(
        http.GET("/api/v1/jobs", {
          params: { query: { ...filterOf(search), limit: PAGE, cursor: pageParam } },
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

export type Chosen = { job_ids: string[] } | { filter: JobSearch };

/** Cancels or retries many jobs, in as many requests as needed; calls `progress` with the number done so far. */
export async function orderJobs(
  action: "cancel" | "retry",
  chosen: Chosen,
  reason: string,
  progress: (done: number) => void,
): Promise<{ done: number; refused: number }> {
  let what: { job_ids: string[] } | { filter: ReturnType<typeof filterOf> & { to?: string } } =
    "filter" in chosen ? { filter: filterOf(chosen.filter) } : chosen;
  const sum = { done: 0, refused: 0 };
  for (;;) {
    const answer = await data(
      http.POST("/api/v1/jobs/bulk", { body: { action, ...what, ...(reason ? { reason } : {}) } }),
    );
    sum.done += answer.done;
    sum.refused += answer.refused;
    progress(sum.done);
    if (!answer.more) return sum;
    // Only jobs created before the first request: otherwise a retry that fails again would be retried again.
    if ("filter" in what) what = { filter: { to: answer.at, ...what.filter } };
  }
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

/** Writes live updates into the cached list. Returns whether an update is about a job that is not in the list. */
export function patchList(search: JobSearch, updates: readonly JobUpdate[]): boolean {
  const newest = new Map(updates.map((update) => [update.job_id, update]));
  queries.setQueryData<InfiniteData<JobPage, string | null>>(jobList(search).queryKey, (known) => {
    if (known === undefined) return known;
    let touched = false;
    const pages = known.pages.map((page) => {
      if (!page.items.some((job) => newest.has(job.job_id))) return page;
      touched = true;
      const items = page.items.map((job) => {
        const update = newest.get(job.job_id);
        newest.delete(job.job_id);
        return update === undefined ? job : updated(job, update);
      });
      return { ...page, items };
    });
    return touched ? { ...known, pages } : known;
  });
  return newest.size > 0;
}
