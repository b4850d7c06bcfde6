import { Group, Progress, Text } from "@mantine/core";
import type { Job } from "../../api/jobs";
import { jobTexts } from "../../texts/jobs";
import { span } from "../../ui/format";
import { useNow } from "../../ui/now";

/** How long a job has run, or ran. */
export function Took({ job }: { job: Job }) {
  const now = useNow();
  if (job.started_at === null) return null;
  const end = job.finished_at === null ? now : Date.parse(job.finished_at);
  return <span className="number">{span((end - Date.parse(job.started_at)) / 1000)}</span>;
}

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
          {job.message}
        </Text>
      )}
    </Group>
  );
}
