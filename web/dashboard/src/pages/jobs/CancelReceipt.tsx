import { Group, Stepper, Text } from "@mantine/core";
import type { Job } from "../../api/jobs";
import { common } from "../../texts/common";
import { jobTextsOne as words } from "../../texts/jobs";
import { Panel } from "../../ui/Panel";
import { Time } from "../../ui/Time";

const steps = words.receiptSteps;

/** Progress of a cancel: requested, sent, received, stopped, and whether the robot confirmed it. */
export function CancelReceipt({ job, receipt }: { job: Job; receipt: NonNullable<Job["cancel"]> }) {
  const stages = [
    [steps.requested, receipt.requested_at],
    [steps.sent, receipt.sent_at],
    [steps.received, receipt.received_at],
    [steps.stopped, receipt.stopped_at],
  ] as const;
  const active = stages.findLastIndex(([, at]) => at !== null) + 1;
  const ended = job.status === "completed" || job.status === "failed";
  return (
    <Panel
      title={words.receipt}
      tone={receipt.confirmed === false ? "failed" : undefined}
      aside={
        <Group gap="sm">
          {receipt.by !== null && <Text c="dimmed">{words.by(receipt.by)}</Text>}
          {receipt.reason !== null && <Text c="dimmed">{common.audit.reason(receipt.reason)}</Text>}
        </Group>
      }
    >
      <Stepper active={active} size="xs" color="ink" iconSize={22}>
        {stages.map(([label, at]) => (
          <Stepper.Step
            key={label}
            label={label}
            description={at === null ? ended ? common.none : steps.open : <Time at={at} />}
          />
        ))}
      </Stepper>
      {receipt.confirmed !== null && (
        <Text mt="sm" c={receipt.confirmed ? "dimmed" : "var(--failed)"}>
          {receipt.confirmed ? words.confirmed : words.unconfirmed}
        </Text>
      )}
    </Panel>
  );
}
