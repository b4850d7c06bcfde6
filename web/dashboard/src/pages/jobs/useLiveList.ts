import { useEffect } from "react";
import type { JobSearch } from "../../address/jobs";
import { jobCount, jobList, patchList } from "../../api/jobs";
import { reload } from "../../api/queries";
import { live } from "../../live/live";

/** The list is loaded again at most this often when jobs appear that it does not have. */
const REFETCH_MS = 2000;

/** Keeps the cached list up to date: live updates are applied at once, new jobs are loaded within two seconds. */
export function useLiveList(search: JobSearch): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = live.onJobs((updates) => {
      if (!patchList(search, updates) || timer !== undefined) return;
      timer = setTimeout(() => {
        timer = undefined;
        void reload({ queryKey: jobList(search).queryKey });
        void reload({ queryKey: jobCount(search).queryKey });
      }, REFETCH_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [search]);
}
