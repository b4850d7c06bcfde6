import { useNavigate } from "@tanstack/react-router";
import { cancelJob, type Job, retryJob } from "../../api/jobs";
import { reload } from "../../api/queries";
import { jobTextsOne as words } from "../../texts/jobs";
import { Confirm } from "../../ui/Confirm";

export type JobOrder = "cancel" | "retry";

const TEXTS = {
  cancel: { title: words.cancelTitle, text: words.cancelWaiting, action: words.cancelConfirm },
  retry: { title: words.retryTitle, text: words.retryText, action: words.retryConfirm },
} as const;

interface Props {
  job: Job;
  /** Null: not asked. */
  order: JobOrder | null;
  onClose: () => void;
}

/** Asks before a job is cancelled or retried, and does it. A retry opens the new job. */
export function ConfirmJobOrder({ job, order, onClose }: Props) {
  const navigate = useNavigate();
  const { title, text, action } = TEXTS[order ?? "cancel"];
  return (
    <Confirm
      opened={order !== null}
      title={title}
      text={order === "cancel" && job.status !== "pending" ? words.cancelRunning : text}
      action={action}
      danger={order === "cancel"}
      askReason={order === "cancel"}
      onClose={onClose}
      onConfirm={async (reason, key) => {
        if (order === "cancel") await cancelJob(job.job_id, reason);
        const again = order === "retry" ? await retryJob(key, job.job_id) : null;
        await reload({ queryKey: ["jobs"] });
        if (again !== null) await navigate({ to: "/jobs/$jobId", params: { jobId: again.job_id } });
      }}
    />
  );
}
