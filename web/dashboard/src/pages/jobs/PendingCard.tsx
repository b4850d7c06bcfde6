import { Group, List, Stack, Text } from "@mantine/core";
import type { Job } from "../../api/jobs";
import { jobTextsOne as words } from "../../texts/jobs";
import { plain } from "../../texts/safe";
import { Panel } from "../../ui/Panel";
import { RobotLink } from "../../ui/RobotLink";
import { Age } from "../../ui/Time";

/** Why a job is pending, and the robots that could run it. */
export function PendingCard({ job }: { job: Job }) {
  const robots = job.fitting_robots ?? [];
  return (
    <Panel title={words.whyPending} tone="pending" aside={<Age at={job.created_at} suffix="" />}>
      <Stack gap="sm" aria-live="polite">
        <List spacing={4}>
          {(job.pending_reasons ?? []).map((reason) => (
            <List.Item key={reason.code}>{plain(reason.message)}</List.Item>
          ))}
        </List>
        <Group gap="sm">
          <Text size="xs" c="dimmed">
            {words.fitting}
          </Text>
          {robots.length === 0 ? (
            <Text size="sm">{words.noFitting}</Text>
          ) : (
            robots.map((robot) => (
              <Text key={robot.robot_id} size="sm">
                <RobotLink id={robot.robot_id} />{" "}
                <Text span c="dimmed">
                  {words.availability[robot.availability]}
                </Text>
              </Text>
            ))
          )}
        </Group>
      </Stack>
    </Panel>
  );
}
