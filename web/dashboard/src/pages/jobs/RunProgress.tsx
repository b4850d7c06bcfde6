import { Group, Progress, Text } from "@mantine/core";
import type { Job } from "../../api/jobs";
import { jobTexts } from "../../texts/jobs";
import { plain } from "../../texts/safe";

/** Progress bar, percentage and last message of a running job. */
export function RunProgress({ job }: { job: Job }) {
  return (
    <Group gap="md" wrap="nowrap">
      <Progress
        value={job.progress}
        color="var(--running)"
        size="lg"
        style={{ flex: 1 }}
        aria-label={jobTexts.columns.progress}
      />
      <Text className="number" fw={600}>
        {Math.round(job.progress)} %
      </Text>
      {job.message !== null && (
        <Text c="dimmed" className="clip">
          {plain(job.message)}
        </Text>
      )}
    </Group>
  );
}
