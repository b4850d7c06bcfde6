import { useEffect } from "react";
import { jobCount, jobList, patchList } from "../../api/jobs";
import { queries } from "../../api/queries";
import { live } from "../../live/live";
import type { JobSearch } from "./search";

/** Jobs that are new, or newly fit the filters, are asked for at most this often. */
const REFETCH_MS = 2000;

/** Keeps a list that is shown true: changes are written into it at once, new jobs are asked for soon. */
export function useLiveList(search: JobSearch): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = live.onJobs((updates) => {
      if (!patchList(search, updates) || timer !== undefined) return;
      timer = setTimeout(() => {
        timer = undefined;
        void queries.invalidateQueries({ queryKey: jobList(search).queryKey });
        void queries.invalidateQueries({ queryKey: jobCount(search).queryKey });
      }, REFETCH_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [search]);
}
