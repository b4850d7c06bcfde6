import { Progress, Tooltip } from "@mantine/core";
import type { Job } from "../../api/jobs";
import { usePendingReasons } from "../../live/live";
import { jobTexts } from "../../texts/jobs";
import type { Column } from "../../ui/DataTable";
import { span } from "../../ui/format";
import { JobLink } from "../../ui/JobLink";
import { useNow } from "../../ui/now";
import { JobBadge } from "../../ui/StatusBadge";
import { Age } from "../../ui/Time";

const words = jobTexts.columns;

export const jobColumns: readonly Column<Job>[] = [
  {
    id: "status",
    header: words.status,
    width: "106px",
    cell: (job) => <JobBadge status={job.status} reason={job.reason} />,
  },
  { id: "workflow", header: words.workflow, width: "minmax(76px, 1.4fr)", cell: (job) => job.workflow_id },
  {
    id: "job",
    header: words.job,
    width: "128px",
    cell: (job) => <JobLink id={job.job_id} focusable={false} />,
    wideOnly: true,
  },
  {
    id: "progress",
    header: words.progress,
    width: "minmax(160px, 2.6fr)",
    cell: (job) => <Doing job={job} />,
    wideOnly: true,
  },
  {
    id: "robot",
    header: words.robot,
    width: "minmax(90px, 1fr)",
    cell: (job) => job.robot_id ?? jobTexts.none,
    wideOnly: true,
  },
  { id: "queue", header: words.queue, width: "minmax(70px, 0.7fr)", cell: (job) => job.queue, wideOnly: true },
  { id: "took", header: words.took, width: "96px", align: "end", cell: (job) => <Took job={job} />, wideOnly: true },
  { id: "created", header: words.created, width: "96px", align: "end", cell: (job) => <Age at={job.created_at} /> },
];

/** What a job does now: progress while it runs, the reason while it waits, the error when it failed. */
function Doing({ job }: { job: Job }) {
  const reasons = usePendingReasons(job.job_id);
  const said = saidOf(job, reasons);
  if (job.status !== "running") return <span title={said ?? undefined}>{said ?? ""}</span>;
  return (
    <Tooltip label={said} disabled={said === null}>
      <span style={{ display: "flex", alignItems: "center", gap: 8 }}>
        <Progress
          value={job.progress}
          color="var(--running)"
          size="sm"
          style={{ flex: "none", width: 72 }}
          aria-label={words.progress}
        />
        <span className="number">{Math.round(job.progress)} %</span>
        <span className="clip">{said}</span>
      </span>
    </Tooltip>
  );
}

function saidOf(job: Job, reasons: readonly { message: string }[]): string | null {
  if (job.status === "completed") return null;
  if (job.status === "pending") return reasons[0]?.message ?? null;
  const message = job.status === "failed" ? job.error?.message : null;
  return typeof message === "string" ? message : job.message;
}

function Took({ job }: { job: Job }) {
  const now = useNow();
  if (job.started_at === null) return jobTexts.none;
  const end = job.finished_at === null ? now : Date.parse(job.finished_at);
  return span((end - Date.parse(job.started_at)) / 1000);
}
