import Pause from "lucide:pause";
import Play from "lucide:play";
import { Group, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { TimeRange } from "../../address/range";
import type { Queue, QueueHistory } from "../../api/queues";
import { common } from "../../texts/common";
import { count, span } from "../../texts/format";
import { queueTexts as words } from "../../texts/queues";
import { Loaded, type Request } from "../../ui/Loaded";
import { OrderButton } from "../../ui/orders";
import { Panel } from "../../ui/Panel";
import { Badge } from "../../ui/StatusBadge";
import { Age } from "../../ui/Time";
import { depthAxis, TimeChart } from "../../ui/TimeChart";

interface Props {
  queue: Queue;
  history: Request<QueueHistory>;
  /** What the chart shows. */
  range: TimeRange;
  onPause: () => void;
  onResume: () => void;
}

export function QueueCard({ queue, history, range, onPause, onResume }: Props) {
  const paused = queue.paused;
  const points = history.data?.queues.find((one) => one.queue === queue.queue)?.points;
  const longest = Math.max(0, ...(points ?? []).map((point) => point.oldest_wait_seconds ?? 0));
  return (
    <Panel
      title={queue.queue}
      tone={paused === null ? undefined : "pending"}
      aside={
        <Group gap="sm">
          {paused !== null && <Badge tone="pending" icon={Pause} text={words.paused} />}
          <OrderButton
            size="compact-sm"
            variant="default"
            leftSection={paused === null ? <Pause size={13} aria-hidden /> : <Play size={13} aria-hidden />}
            onClick={paused === null ? onPause : onResume}
            aria-label={`${paused === null ? words.pause : words.resume}: ${queue.queue}`}
          >
            {paused === null ? words.pause : words.resume}
          </OrderButton>
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
      <Loaded of={history} empty={() => (points === undefined || points.length < 2) && words.noHistory}>
        {(known) => (
          <TimeChart
            label={`${queue.queue}: ${words.depth}`}
            axis={depthAxis(known)}
            unit={count}
            at={(points ?? []).map((point) => point.at)}
            series={[{ label: words.depth, color: "--pending", values: (points ?? []).map((point) => point.pending) }]}
            height={110}
            longestSeconds={1.5 * known.bucket_seconds}
            range={range}
          />
        )}
      </Loaded>
    </Panel>
  );
}
