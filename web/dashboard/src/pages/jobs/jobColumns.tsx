import { Progress, Tooltip } from "@mantine/core";
import type { Job } from "../../api/jobs";
import { usePendingReasons } from "../../live/live";
import { common } from "../../texts/common";
import { jobTexts } from "../../texts/jobs";
import { plain } from "../../texts/safe";
import type { Column } from "../../ui/DataTable";
import { JobLink } from "../../ui/JobLink";
import { RobotLink } from "../../ui/RobotLink";
import { JobBadge } from "../../ui/StatusBadge";
import { Age, Duration } from "../../ui/Time";
import { WorkflowLink } from "../../ui/WorkflowLink";

const words = jobTexts.columns;

export const jobColumns: readonly Column<Job>[] = [
  {
    id: "status",
    header: words.status,
    width: "106px",
    cell: (job) => <JobBadge status={job.status} reason={job.reason} />,
  },
  {
    id: "workflow",
    header: words.workflow,
    width: "minmax(76px, 1.4fr)",
    cell: (job) => <WorkflowLink id={job.workflow_id} focusable={false} />,
  },
  {
    id: "job",
    header: words.job,
    width: "128px",
    main: true,
    cell: (job) => <JobLink id={job.job_id} focusable={false} />,
    wideOnly: true,
  },
  {
    id: "progress",
    header: words.progress,
    width: "minmax(160px, 2.6fr)",
    cell: (job) => <Summary job={job} />,
    wideOnly: true,
  },
  {
    id: "robot",
    header: words.robot,
    width: "minmax(90px, 1fr)",
    cell: (job) => (job.robot_id === null ? common.none : <RobotLink id={job.robot_id} focusable={false} />),
    wideOnly: true,
  },
  { id: "queue", header: words.queue, width: "minmax(70px, 0.7fr)", cell: (job) => job.queue, wideOnly: true },
  {
    id: "took",
    header: words.took,
    width: "96px",
    align: "end",
    cell: (job) => <Duration from={job.started_at} to={job.finished_at} />,
    wideOnly: true,
  },
  {
    id: "finished",
    header: words.finished,
    width: "96px",
    align: "end",
    cell: (job) => (job.finished_at === null ? common.none : <Age at={job.finished_at} />),
    wideOnly: true,
    sortable: true,
  },
  {
    id: "created",
    header: words.created,
    width: "96px",
    align: "end",
    cell: (job) => <Age at={job.created_at} />,
    sortable: true,
  },
];

/** Progress of a running job, reason of a pending job, or error of a failed job. */
function Summary({ job }: { job: Job }) {
  const reasons = usePendingReasons(job.job_id);
  const found = messageOf(job, reasons);
  const message = found === null ? null : plain(found);
  if (job.status !== "running") return <span title={message ?? undefined}>{message ?? ""}</span>;
  return (
    <Tooltip label={message} disabled={message === null}>
      <span style={{ display: "flex", alignItems: "center", gap: 8 }}>
        <Progress
          value={job.progress}
          color="var(--running)"
          size="sm"
          style={{ flex: "none", width: 72 }}
          aria-label={words.progress}
        />
        <span className="number">{Math.round(job.progress)} %</span>
        <span className="clip">{message}</span>
      </span>
    </Tooltip>
  );
}

/** The text of a job in a list: why it is pending, its progress, or why it failed. */
export function messageOf(job: Job, reasons: readonly { message: string }[]): string | null {
  if (job.status === "completed") return null;
  if (job.status === "pending") return reasons[0]?.message ?? null;
  if (job.status !== "failed") return job.message;
  // A live update has no error: until the list is loaded again, the reason is shown instead of the last progress.
  const error = job.error?.message;
  return typeof error === "string" ? error : common.reason[job.reason ?? "error"];
}
