import { Group, SimpleGrid, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { NOT_CANCELLED } from "../../address/jobs";
import { type Overview, overviewOf } from "../../api/overview";
import { type QueueHistory, queueHistory } from "../../api/queues";
import { useQueueMetrics, useRobots } from "../../live/live";
import { common } from "../../texts/common";
import { count } from "../../texts/format";
import { overviewTexts as words } from "../../texts/overview";
import { EmptyState } from "../../ui/EmptyState";
import { Loaded } from "../../ui/Loaded";
import { LinkButton } from "../../ui/links";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { Age } from "../../ui/Time";
import { TimeChart } from "../../ui/TimeChart";
import { AttentionList } from "./AttentionList";
import { Failures } from "./Failures";
import { Figure } from "./Figure";
import { FleetBar } from "./FleetBar";

const MINUTES = 60;

/** Summary of robots and jobs, and the problems that need attention. */
export function OverviewPage() {
  const asked = useQuery(overviewOf(MINUTES));
  return (
    <>
      <PageHeader title={words.title}>
        <LinkButton variant="default" to="/robots/new">
          {words.addRobot}
        </LinkButton>
        <LinkButton to="/jobs/new">{words.runJob}</LinkButton>
      </PageHeader>
      <Loaded of={asked} lines={8}>
        {(overview) => <Shown overview={overview} />}
      </Loaded>
    </>
  );
}

function Shown({ overview }: { overview: Overview }) {
  const metrics = useQueueMetrics();
  const robots = useRobots();
  const { queue, throughput } = overview;
  const fleet = Object.values(overview.robots).reduce((sum, number) => sum + number, 0);
  const fresh = fleet === 0 && queue.pending + queue.running + queue.completed_24h + queue.failed_24h === 0;
  const at = throughput.points.map((point) => point.at);
  const series = [
    { label: common.status.completed, color: "--completed", values: throughput.points.map((point) => point.completed) },
    { label: common.status.failed, color: "--failed", values: throughput.points.map((point) => point.failed) },
  ];
  const oldest = overview.oldest_pending;
  return (
    <>
      {fresh && (
        <EmptyState title={words.emptyTitle} text={words.emptyText}>
          <Group gap="sm">
            <LinkButton to="/robots/new">{words.addRobot}</LinkButton>
          </Group>
        </EmptyState>
      )}
      <Stack gap="md">
        <SimpleGrid cols={{ base: 2, sm: 3, lg: 5 }} spacing="md">
          <FleetBar robots={robots} known={overview.robots} />
          <Figure label={words.pending} value={metrics?.pending ?? queue.pending} to={{ status: "pending" }}>
            {oldest === null ? (
              words.nothingWaits
            ) : (
              <Link to="/jobs/$jobId" params={{ jobId: oldest.job_id }} className="link">
                {words.oldest} <Age at={oldest.created_at} suffix="" />
              </Link>
            )}
          </Figure>
          <Figure
            label={words.running}
            value={metrics?.running ?? queue.running}
            to={{ status: "running" }}
            tone="running"
          />
          <Figure
            label={words.completed}
            value={metrics?.completed_24h ?? queue.completed_24h}
            to={{ status: "completed", ended: "24h" }}
            tone="completed"
          />
          <Figure
            label={words.failed}
            value={metrics?.failed_24h ?? queue.failed_24h}
            to={{ status: "failed", reason: NOT_CANCELLED, ended: "24h" }}
            tone="failed"
          />
        </SimpleGrid>
        <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
          <Panel title={words.throughput}>
            <TimeChart label={words.throughputLabel} at={at} series={series} bars />
          </Panel>
          <Panel title={words.depth}>
            <Depth />
          </Panel>
        </SimpleGrid>
        <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
          <AttentionList overview={overview} />
          <Failures />
        </SimpleGrid>
      </Stack>
    </>
  );
}

/** Pending jobs of all queues over time. */
function Depth() {
  const history = useQuery(queueHistory(MINUTES));
  return (
    <Loaded of={history} empty={(known) => sumsOf(known).size < 2 && words.noDepth}>
      {(known) => {
        const sums = sumsOf(known);
        const series = [{ label: words.pending, color: "--pending", values: [...sums.values()] }];
        const longest = 1.5 * known.bucket_seconds;
        return (
          <TimeChart label={words.depth} at={[...sums.keys()]} series={series} unit={count} longestSeconds={longest} />
        );
      }}
    </Loaded>
  );
}

/** The pending jobs of all queues by time, oldest first. */
function sumsOf(history: QueueHistory): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const point of history.queues.flatMap((queue) => queue.points))
    sums.set(point.at, (sums.get(point.at) ?? 0) + point.pending);
  return new Map([...sums].sort(([a], [b]) => Date.parse(a) - Date.parse(b)));
}
