import RotateCcw from "lucide:rotate-ccw";
import Square from "lucide:square";
import { Alert, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { type Job, jobOf } from "../../api/jobs";
import { jobTextsOne as words } from "../../texts/jobs";
import { CopyIcon } from "../../ui/CopyLine";
import { Facts } from "../../ui/Facts";
import { JobLink } from "../../ui/JobLink";
import { Json } from "../../ui/Json";
import { Loaded } from "../../ui/Loaded";
import { LinkAnchor } from "../../ui/links";
import { OrderButton, OrderLink } from "../../ui/orders";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { useEarlierLayout } from "../../ui/preferences";
import { RobotLink } from "../../ui/RobotLink";
import { JobBadge } from "../../ui/StatusBadge";
import { Duration, Time } from "../../ui/Time";
import { WorkflowLink } from "../../ui/WorkflowLink";
import { CancelReceipt } from "./CancelReceipt";
import { ConfirmJobOrder, type JobOrder } from "./ConfirmJobOrder";
import { FailureCard } from "./FailureCard";
import { JobHistory } from "./JobHistory";
import { JobLog } from "./JobLog";
import classes from "./JobPage.module.css";
import { canCancel, hasEnded } from "./jobState";
import { PendingCard } from "./PendingCard";
import { RunComparison } from "./RunComparison";
import { RunProgress } from "./RunProgress";
import { RunTimeline } from "./RunTimeline";
import { useLiveJob } from "./useLiveJob";

/** One job as it is read: state and cause, log, history, parameters and result, facts. */
export function JobPage() {
  const { jobId } = useParams({ from: "/jobs/$jobId" });
  const asked = useQuery(jobOf(jobId));
  useLiveJob(jobId);
  return (
    <Loaded of={asked} gone={words.gone} lines={6}>
      {(job) => <Shown job={job} />}
    </Loaded>
  );
}

function Shown({ job }: { job: Job }) {
  const failed = job.status === "failed" && job.reason !== "cancelled";
  const [earlier] = useEarlierLayout("jobPage");
  const details = (
    <Panel title={words.submitted}>
      <Facts facts={factsOf(job)} />
    </Panel>
  );
  return (
    <>
      <PageHeader title={job.workflow_id} aside={<JobBadge status={job.status} reason={job.reason} />}>
        <Orders job={job} />
      </PageHeader>
      <Stack gap="md">
        <Group gap="xs" mt={-12}>
          <Text c="dimmed" className="mono">
            {job.job_id}
          </Text>
          <CopyIcon text={job.job_id} label={job.job_id} />
        </Group>
        {job.contact === "lost" && <Alert color="var(--pending)">{words.contactLost}</Alert>}
        {failed && <FailureCard job={job} />}
        {job.status === "pending" && <PendingCard job={job} />}
        {(job.status === "running" || job.status === "claimed") && <RunProgress job={job} />}
        {job.cancel !== null && <CancelReceipt job={job} receipt={job.cancel} />}
        {failed && <RunComparison jobId={job.job_id} />}
        {earlier && details}
        <div className={classes.columns} data-single={earlier}>
          <Stack gap="md">
            <JobLog job={job} />
            {job.attempt > 0 && <RunTimeline job={job} />}
            <JobHistory job={job} />
          </Stack>
          <Stack gap="md">
            <Values job={job} />
            {!earlier && details}
          </Stack>
        </div>
      </Stack>
    </>
  );
}

/** Parameters and result of the job. */
function Values({ job }: { job: Job }) {
  return (
    <>
      <Panel title={words.parameters}>
        {Object.keys(job.parameters).length === 0 ? (
          <Text c="dimmed">{words.noParameters}</Text>
        ) : (
          <Json value={job.parameters} label={words.parameters} />
        )}
      </Panel>
      {job.status === "completed" && (
        <Panel title={words.result}>
          {job.result === null ? (
            <Text c="dimmed">{words.noResult}</Text>
          ) : (
            <Json value={job.result} label={words.result} />
          )}
        </Panel>
      )}
    </>
  );
}

function factsOf(job: Job) {
  const robot = job.robot_id ?? job.target_robot_id;
  const at = (moment: string | null) => (moment === null ? null : <Time at={moment} />);
  return [
    [words.workflow, <WorkflowLink key="w" id={job.workflow_id} />],
    [words.robot, robot === null ? null : <RobotLink key="r" id={robot} />],
    [words.queue, job.queue],
    [words.created, at(job.created_at)],
    [words.started, at(job.started_at)],
    [words.finished, at(job.finished_at)],
    [words.took, job.started_at === null ? null : <Duration key="t" from={job.started_at} to={job.finished_at} />],
    [words.priority, String(job.priority)],
    [words.attempt, words.attempts(job.attempt, job.max_attempts)],
    [words.timeout, `${job.timeout_seconds} s`],
    [words.tags, job.tags.length > 0 ? job.tags.join(", ") : null],
    [words.retryOf, job.retry_of === null ? null : <JobLink key="o" id={job.retry_of} />],
  ] as const;
}

function Orders({ job }: { job: Job }) {
  const [asked, setAsked] = useState<JobOrder | null>(null);
  return (
    <>
      <LinkAnchor to="/jobs" c="dimmed">
        {words.back}
      </LinkAnchor>
      <OrderLink variant="default" to="/jobs/new" search={{ from: job.job_id }}>
        {words.runChanged}
      </OrderLink>
      {hasEnded(job) ? (
        <OrderButton
          variant="default"
          leftSection={<RotateCcw size={14} aria-hidden />}
          onClick={() => setAsked("retry")}
        >
          {words.retry}
        </OrderButton>
      ) : (
        <OrderButton
          variant="default"
          leftSection={<Square size={14} aria-hidden />}
          disabled={!canCancel(job)}
          onClick={() => setAsked("cancel")}
        >
          {words.cancel}
        </OrderButton>
      )}
      <ConfirmJobOrder job={job} order={asked} onClose={() => setAsked(null)} />
    </>
  );
}
