import { useEffect } from "react";
import { type Job, jobEvents, jobOf, updated } from "../../api/jobs";
import { queries, reload } from "../../api/queries";
import { live } from "../../live/live";

/** Delay after a change of state until the fields that the stream does not have (times, history, error) are loaded. */
const SETTLE_MS = 150;

/** Keeps the cached job up to date with the live stream. */
export function useLiveJob(jobId: string): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = live.onJobs((updates) => {
      const mine = updates.filter((update) => update.job_id === jobId);
      if (mine.length === 0) return;
      const key = jobOf(jobId).queryKey;
      const before = queries.getQueryData<Job>(key);
      if (before === undefined) return;
      const after = mine.reduce(updated, before);
      queries.setQueryData(key, after);
      const cancel = mine.some((update) => update.cancel !== undefined);
      if (
        !cancel &&
        after.status === before.status &&
        after.attempt === before.attempt &&
        after.contact === before.contact
      )
        return;
      clearTimeout(timer);
      timer = setTimeout(() => {
        void reload({ queryKey: key });
        void reload({ queryKey: jobEvents(jobId).queryKey });
      }, SETTLE_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [jobId]);
}
