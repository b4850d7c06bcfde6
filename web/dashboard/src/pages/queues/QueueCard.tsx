import { Button, Group, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Pause, Play } from "lucide-react";
import type { Queue } from "../../api/queues";
import { common } from "../../texts/common";
import { count, span } from "../../texts/format";
import { queueTexts as words } from "../../texts/queues";
import { Panel } from "../../ui/Panel";
import { Badge } from "../../ui/StatusBadge";
import { Age } from "../../ui/Time";
import { TimeChart } from "../../ui/TimeChart";

interface Props {
  queue: Queue;
  bucketSeconds: number;
  points: readonly { at: string; pending: number; oldest_wait_seconds: number | null }[];
  onPause: () => void;
  onResume: () => void;
}

export function QueueCard({ queue, points, onPause, onResume }: Props) {
  const paused = queue.paused;
  const at = points.map((point) => point.at);
  const series = [{ label: words.depth, color: "--running", values: points.map((point) => point.pending) }];
  const longest = Math.max(0, ...points.map((point) => point.oldest_wait_seconds ?? 0));
  return (
    <Panel
      title={queue.queue}
      tone={paused === null ? undefined : "pending"}
      aside={
        <Group gap="sm">
          {paused !== null && <Badge tone="pending" icon={Pause} text={words.paused} />}
          <Button
            size="compact-sm"
            variant="default"
            leftSection={paused === null ? <Pause size={13} aria-hidden /> : <Play size={13} aria-hidden />}
            onClick={paused === null ? onPause : onResume}
            aria-label={`${paused === null ? words.pause : words.resume}: ${queue.queue}`}
          >
            {paused === null ? words.pause : words.resume}
          </Button>
        </Group>
      }
    >
      <Group justify="space-between" align="baseline" mb="sm">
        <Text className="number">
          <Text span fz={22} fw={600}>
            {count(queue.pending)}
          </Text>{" "}
          <Link to="/jobs" search={{ queue: queue.queue, status: "pending" }} className="link">
            {words.pending(queue.pending)}
          </Link>
        </Text>
        {longest > 0 && (
          <Text size="xs" c="dimmed">
            {words.wait} {span(longest)}
          </Text>
        )}
      </Group>
      {paused !== null && (
        <Text size="sm" mb="sm">
          {words.paused} {words.by(paused.by)} <Age at={paused.at} />
          {paused.reason ? ` · ${common.audit.reason(paused.reason)}` : ""}
        </Text>
      )}
      {points.length < 2 ? (
        <Text size="xs" c="dimmed">
          {words.noHistory}
        </Text>
      ) : (
        <TimeChart label={`${queue.queue}: ${words.depth}`} at={at} series={series} height={110} />
      )}
    </Panel>
  );
}
