import { Group, SimpleGrid, Stack } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { OVERVIEW_RANGE } from "../../address/charts";
import { NOT_CANCELLED, OPEN } from "../../address/jobs";
import type { TimeRange } from "../../address/range";
import { COUNTED_DAYS, type Overview, overviewOf } from "../../api/overview";
import { type QueueHistory, queueHistory } from "../../api/queues";
import { useQueueMetrics, useRobots } from "../../live/live";
import { common } from "../../texts/common";
import { count, span } from "../../texts/format";
import { overviewTexts as words } from "../../texts/overview";
import { EmptyState } from "../../ui/EmptyState";
import { Loaded, Loading } from "../../ui/Loaded";
import { OrderLink } from "../../ui/orders";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { RangeSelect, rangeText } from "../../ui/RangeSelect";
import { Age } from "../../ui/Time";
import { depthAxis, TimeChart } from "../../ui/TimeChart";
import { AttentionList } from "./AttentionList";
import { Failures } from "./Failures";
import { Figure } from "./Figure";
import { FleetBar } from "./FleetBar";

const RunningJobs = lazy(async () => ({ default: (await import("./RunningJobs")).RunningJobs }));

/** Pages with room for higher charts, and for a third list below them. */
const HIGH = "(min-height: 1200px)";
const WIDE = "(min-width: 1920px)";
const AT_ONCE = { getInitialValueInEffect: false };

/** Summary of robots and jobs, and the problems that need attention. */
export function OverviewPage() {
  const { range = OVERVIEW_RANGE } = useSearch({ from: "/" });
  const navigate = useNavigate();
  const asked = useQuery(overviewOf(range));
  return (
    <>
      <PageHeader title={words.title}>
        <RangeSelect
          label={words.time}
          value={range}
          onChange={(chosen = OVERVIEW_RANGE) => void navigate({ to: "/", search: { range: chosen }, replace: true })}
          clearable={false}
          keptDays={COUNTED_DAYS}
          width={140}
        />
        <OrderLink variant="default" to="/robots/new">
          {words.addRobot}
        </OrderLink>
        <OrderLink to="/jobs/new">{words.runJob}</OrderLink>
      </PageHeader>
      <Loaded of={asked} lines={8}>
        {(overview) => <Shown overview={overview} range={range} />}
      </Loaded>
    </>
  );
}

function Shown({ overview, range }: { overview: Overview; range: TimeRange }) {
  const metrics = useQueueMetrics();
  const height = useMediaQuery(HIGH, undefined, AT_ONCE) ? 420 : 160;
  const wide = useMediaQuery(WIDE, undefined, AT_ONCE);
  const robots = useRobots();
  const { queue, throughput, ended } = overview;
  const shown = rangeText(range);
  // The live stream counts the last 24 hours.
  const live = range === "24h" ? metrics : undefined;
  const fleet = Object.values(overview.robots).reduce((sum, number) => sum + number, 0);
  const fresh =
    fleet === 0 && queue.pending + queue.claimed + queue.running + queue.completed_24h + queue.failed_24h === 0;
  const at = throughput.points.map((point) => point.at);
  const series = [
    { label: common.status.completed, color: "--completed", values: throughput.points.map((point) => point.completed) },
    { label: common.status.failed, color: "--failed", values: throughput.points.map((point) => point.failed) },
  ];
  const running = metrics?.running ?? queue.running;
  const claimed = metrics?.claimed ?? queue.claimed;
  const oldest = overview.oldest_pending;
  return (
    <>
      {fresh && (
        <EmptyState title={words.emptyTitle} text={words.emptyText}>
          <Group gap="sm">
            <OrderLink to="/robots/new">{words.addRobot}</OrderLink>
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
          <Figure label={words.running} value={running + claimed} to={{ status: OPEN }} tone="running">
            {claimed > 0 && words.claimed(count(claimed))}
          </Figure>
          <Figure
            label={words.completed(shown)}
            value={live?.completed_24h ?? ended.completed}
            to={{ status: "completed", ended: range }}
            tone="completed"
          />
          <Figure
            label={words.failed(shown)}
            value={live?.failed_24h ?? ended.failed}
            to={{ status: "failed", reason: NOT_CANCELLED, ended: range }}
            tone="failed"
          />
        </SimpleGrid>
        <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
          <Panel title={words.throughput(shown)}>
            <TimeChart
              label={words.throughput(shown)}
              axis={words.throughputAxis(span(throughput.bucket_seconds))}
              at={at}
              series={series}
              unit={count}
              height={height}
              bars
            />
          </Panel>
          <Panel title={words.depth(shown)}>
            <Depth range={range} height={height} />
          </Panel>
        </SimpleGrid>
        <SimpleGrid cols={wide ? 3 : { base: 1, lg: 2 }} spacing="md">
          <AttentionList overview={overview} />
          <Failures range={range} />
          {wide && (
            <Suspense fallback={<Loading lines={6} />}>
              <RunningJobs />
            </Suspense>
          )}
        </SimpleGrid>
      </Stack>
    </>
  );
}

/** Pending jobs of all queues over time. */
function Depth({ range, height }: { range: TimeRange; height: number }) {
  const history = useQuery(queueHistory(range));
  return (
    <Loaded of={history} empty={(known) => sumsOf(known).size < 2 && words.noDepth}>
      {(known) => {
        const sums = sumsOf(known);
        const series = [{ label: words.pending, color: "--pending", values: [...sums.values()] }];
        const longest = 1.5 * known.bucket_seconds;
        return (
          <TimeChart
            label={words.depth(rangeText(range))}
            axis={depthAxis(known)}
            at={[...sums.keys()]}
            series={series}
            unit={count}
            height={height}
            longestSeconds={longest}
            range={range}
          />
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
