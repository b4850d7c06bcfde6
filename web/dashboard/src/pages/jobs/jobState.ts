import type { Job } from "../../api/jobs";

export const hasEnded = (job: Job): boolean => job.status === "completed" || job.status === "failed";

/** Whether a cancel of the job can be requested. */
export const canCancel = (job: Job): boolean => !hasEnded(job) && job.cancel_requested_at === null;
