import { Group, SimpleGrid, Stack, Text } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useMemo } from "react";
import { type Job, jobList } from "../../api/jobs";
import { type Robot, robotList } from "../../api/robots";
import { span } from "../../texts/format";
import { plain } from "../../texts/safe";
import { workflowTexts as words } from "../../texts/workflows";
import { Facts } from "../../ui/Facts";
import { Loaded } from "../../ui/Loaded";
import { LinkAnchor, LinkButton } from "../../ui/links";
import { OrderLink } from "../../ui/orders";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { RobotLink } from "../../ui/RobotLink";
import { RobotBadge } from "../../ui/StatusBadge";
import { TimeChart } from "../../ui/TimeChart";
import { messageOf } from "../jobs/jobColumns";
import { useLiveList } from "../jobs/useLiveList";
import { FailureRows } from "../overview/Failures";
import { stateOf, strengthOf } from "../robots/state";
import { RunStrip } from "./RunStrip";
import { durationsOver, failuresOf, percentile, secondsOf } from "./runs";

const SHOWN = 60;
const PER_POINT = 10;

/** One workflow: its last runs, durations, failures, robots, and a link to the run form. */
export function WorkflowPage() {
  const { workflowId } = useParams({ from: "/workflows/$workflowId" });
  const search = useMemo(() => ({ workflow: workflowId }), [workflowId]);
  const list = useInfiniteQuery(jobList(search));
  useLiveList(search);
  return (
    <>
      <PageHeader title={plain(workflowId)}>
        <LinkAnchor to="/workflows" c="dimmed">
          {words.back}
        </LinkAnchor>
        <OrderLink to="/jobs/new" search={search}>
          {words.run}
        </OrderLink>
      </PageHeader>
      <Stack gap="md">
        <Loaded of={list}>{({ pages }) => <Runs workflowId={workflowId} jobs={pages[0]?.items ?? []} />}</Loaded>
        <Robots workflowId={workflowId} />
      </Stack>
    </>
  );
}

/** @param jobs the last runs, newest first */
function Runs({ workflowId, jobs }: { workflowId: string; jobs: readonly Job[] }) {
  const shown = jobs.slice(0, SHOWN);
  const ended = shown.filter((job) => job.finished_at !== null && job.reason !== "cancelled");
  const completed = ended.filter((job) => job.status === "completed");
  const seconds = completed.map(secondsOf).filter((value) => value !== null);
  const time = (percent: number) => {
    const value = percentile(seconds, percent);
    return value === null ? null : span(value);
  };
  const rate = Math.round((100 * completed.length) / ended.length);
  const points = durationsOver(jobs, PER_POINT);
  const series = [
    { label: words.median, color: "--measure", values: points.map((point) => point.median) },
    { label: words.slow, color: "--measure-2", values: points.map((point) => point.slow) },
  ];
  const failures = failuresOf(jobs, (job) => messageOf(job, []) ?? "");
  return (
    <>
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <Panel
          title={words.runs(shown.length)}
          aside={
            <LinkButton size="compact-sm" variant="default" to="/jobs" search={{ workflow: workflowId }}>
              {words.allRuns}
            </LinkButton>
          }
        >
          {shown.length === 0 ? (
            <Text c="dimmed">{words.noRuns}</Text>
          ) : (
            <Stack gap="md">
              <RunStrip newestFirst={shown} />
              <Facts
                facts={[
                  [words.rate, ended.length === 0 ? null : words.rateOf(rate, ended.length)],
                  [words.median, time(50)],
                  [words.slow, time(95)],
                ]}
              />
            </Stack>
          )}
        </Panel>
        <Panel title={words.durations}>
          {points.length < 2 ? (
            <Text c="dimmed">{words.fewRuns}</Text>
          ) : (
            <TimeChart
              label={words.durations}
              axis={words.durationAxis}
              at={points.map((point) => point.at)}
              series={series}
              unit={words.unit}
            />
          )}
        </Panel>
      </SimpleGrid>
      <Panel title={words.failures(jobs.length)} flush>
        {failures.length === 0 ? (
          <Text c="dimmed" p="md">
            {words.noFailures}
          </Text>
        ) : (
          <FailureRows groups={failures} search={{ workflow: workflowId }} />
        )}
      </Panel>
    </>
  );
}

function Robots({ workflowId }: { workflowId: string }) {
  const list = useQuery(robotList);
  const having = (items: readonly Robot[]) => items.filter((robot) => robot.workflows?.includes(workflowId));
  return (
    <Panel title={words.robots}>
      <Loaded of={list} empty={({ items }) => having(items).length === 0 && words.noRobots}>
        {({ items }) => (
          <Group gap="md">
            {having(items).map((robot) => (
              <Group key={robot.robot_id} gap="xs">
                <RobotLink id={robot.robot_id} />
                <RobotBadge state={stateOf(robot)} strength={strengthOf(robot, Date.now())} />
              </Group>
            ))}
          </Group>
        )}
      </Loaded>
    </Panel>
  );
}
