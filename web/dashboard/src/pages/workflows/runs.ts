import type { Job } from "../../api/jobs";

/** Duration of a run in seconds; null unless it has started and ended. */
export function secondsOf(job: Job): number | null {
  if (job.started_at === null || job.finished_at === null) return null;
  return (Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000;
}

/** The smallest value that at least `percent` of the values do not exceed; null without values. */
export function percentile(values: readonly number[], percent: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? null;
}

export interface DurationPoint {
  at: string;
  median: number;
  slow: number;
}

/** Median and 95th percentile of each `size` successive completed runs, oldest first; an incomplete rest is left out. */
export function durationsOver(newestFirst: readonly Job[], size: number): DurationPoint[] {
  const done = newestFirst.filter((job) => job.status === "completed" && secondsOf(job) !== null);
  const points: DurationPoint[] = [];
  for (let first = 0; first + size <= done.length; first += size) {
    const runs = done.slice(first, first + size);
    const seconds = runs.map((job) => secondsOf(job) ?? 0);
    const median = percentile(seconds, 50) ?? 0;
    points.unshift({ at: runs[0]?.created_at ?? "", median, slow: percentile(seconds, 95) ?? 0 });
  }
  return points;
}

export interface FailureOfRuns {
  fingerprint: string;
  workflow_id: string;
  message: string;
  count: number;
  last_at: string;
  last_job_id: string;
}

/** The failures among runs by cause, the most frequent first. */
export function failuresOf(newestFirst: readonly Job[], messageOf: (job: Job) => string): FailureOfRuns[] {
  const groups = new Map<string, FailureOfRuns>();
  for (const job of newestFirst) {
    if (job.fingerprint === null || job.finished_at === null) continue;
    const known = groups.get(job.fingerprint);
    if (known !== undefined) known.count += 1;
    else
      groups.set(job.fingerprint, {
        fingerprint: job.fingerprint,
        workflow_id: job.workflow_id,
        message: messageOf(job),
        count: 1,
        last_at: job.finished_at,
        last_job_id: job.job_id,
      });
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}
