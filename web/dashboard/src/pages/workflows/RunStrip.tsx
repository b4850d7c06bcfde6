import type { Job } from "../../api/jobs";
import { common } from "../../texts/common";
import { localTime, span } from "../../texts/format";
import { workflowTexts as words } from "../../texts/workflows";
import classes from "./RunStrip.module.css";
import { secondsOf } from "./runs";

const statusOf = (job: Job) => (job.reason === "cancelled" ? "cancelled" : job.status);

/** Runs as bars, oldest first: the colour is the status, the height the duration. */
export function RunStrip({ newestFirst }: { newestFirst: readonly Job[] }) {
  const longest = Math.max(1, ...newestFirst.map((job) => secondsOf(job) ?? 0));
  const number = (status: string) => newestFirst.filter((job) => statusOf(job) === status).length;
  const others = newestFirst.length - number("completed") - number("failed");
  return (
    <div className={classes.strip} role="img" aria-label={words.strip(number("completed"), number("failed"), others)}>
      {newestFirst.toReversed().map((job) => {
        const seconds = secondsOf(job);
        const label = common.reason[job.reason ?? "error"];
        const status = job.status === "failed" ? label : common.status[job.status];
        return (
          <span
            key={job.job_id}
            className={classes.run}
            data-status={statusOf(job)}
            style={{ height: `${Math.round((100 * (seconds ?? 0)) / longest)}%` }}
            title={words.oneRun(status, seconds === null ? common.none : span(seconds), localTime(job.created_at))}
          />
        );
      })}
    </div>
  );
}
