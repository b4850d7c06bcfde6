import { Alert, Loader, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useMemo } from "react";
import { jobList } from "../../api/jobs";
import { beatsOf, type Robot, robotOf } from "../../api/robots";
import { useRobots } from "../../live/live";
import { common } from "../../texts/common";
import { robotTextsOne as words } from "../../texts/robots";
import { Beats } from "../../ui/Beats";
import { Facts } from "../../ui/Facts";
import { JobLink } from "../../ui/JobLink";
import { LoadError } from "../../ui/LoadError";
import { LinkAnchor } from "../../ui/links";
import { useNow } from "../../ui/now";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { RobotBadge } from "../../ui/StatusBadge";
import { Age, Time } from "../../ui/Time";
import { TimeChart } from "../../ui/TimeChart";
import { Orders } from "./Orders";
import { Proof } from "./Proof";
import { RecentJobs } from "./RecentJobs";
import { RobotKeys } from "./RobotKeys";
import { RobotOrders } from "./RobotOrders";
import { merged, stateOf, strengthOf } from "./state";
import { Tags } from "./Tags";

/** One robot: status, load, recent jobs, tags, keys and audit log. */
export function RobotPage() {
  const { robotId } = useParams({ from: "/robots/$robotId" });
  const asked = useQuery(robotOf(robotId));
  const live = useRobots().get(robotId);
  if (asked.isPending) return <Loader size="sm" aria-label={robotId} />;
  if (asked.isError) return <LoadError error={asked.error} retry={() => void asked.refetch()} />;
  return <Shown robot={merged(asked.data, live)} />;
}

function Shown({ robot }: { robot: Robot }) {
  const now = useNow();
  const state = stateOf(robot);
  const { data: recent } = useQuery({ ...beatsOf(robot.robot_id) });
  const beats = recent?.beats ?? [];
  const at = useMemo(() => beats.map((beat) => beat.at), [beats]);
  const cpu = [{ label: words.cpu, color: "--running", values: beats.map((beat) => beat.cpu_percent) }];
  const memory = [{ label: words.memory, color: "--offline", values: beats.map((beat) => beat.memory_mb) }];
  return (
    <>
      <PageHeader title={robot.robot_id} aside={<RobotBadge state={state} strength={strengthOf(robot, now)} />}>
        <LinkAnchor to="/robots" c="dimmed">
          {words.back}
        </LinkAnchor>
        <Orders robot={robot} />
      </PageHeader>
      <Stack gap="md">
        {robot.draining !== null && (
          <Alert color="var(--pending)" title={words.drainingBy(robot.draining.by)}>
            <Age at={robot.draining.at} />
            {robot.draining.reason ? ` · ${common.audit.reason(robot.draining.reason)}` : ""}
          </Alert>
        )}
        <Panel
          title={words.now}
          aside={
            <Text c="dimmed" size="sm">
              <Proof robot={robot} />
            </Text>
          }
        >
          <Stack gap="md">
            <Facts facts={factsOf(robot)} />
            <Beats beats={beats} height={28} />
          </Stack>
        </Panel>
        {beats.length > 1 && robot.status !== "offline" && (
          <Panel title={words.load}>
            <div style={{ display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(280px, 1fr))", gap: 20 }}>
              <TimeChart label={words.cpu} at={at} series={cpu} height={110} />
              <TimeChart label={words.memory} at={at} series={memory} height={110} />
            </div>
          </Panel>
        )}
        <RecentJobs robotId={robot.robot_id} list={jobList({ robot: robot.robot_id })} />
        <Panel title={words.tags}>
          <Tags key={robot.tags.join()} robot={robot} />
        </Panel>
        <RobotKeys robotId={robot.robot_id} />
        <RobotOrders robotId={robot.robot_id} />
      </Stack>
    </>
  );
}

function factsOf(robot: Robot) {
  return [
    [words.job, robot.current_job === null ? words.noJob : <JobLink key="j" id={robot.current_job} />],
    [words.slots, robot.max_concurrent_jobs === null ? words.ownWord : String(robot.max_concurrent_jobs)],
    [words.connected, robot.connected_at === null ? null : <Time key="c" at={robot.connected_at} />],
    [words.lastSeen, robot.last_seen_at === null ? null : <Time key="s" at={robot.last_seen_at} />],
    [words.version, robot.version],
    [words.capabilities, robot.capabilities.length > 0 ? robot.capabilities.join(", ") : null],
    [words.workflows, robot.workflows === null ? null : robot.workflows.join(", ") || words.noWorkflows],
    [words.skew, robot.clock_skew_seconds === null ? null : words.skewText(robot.clock_skew_seconds)],
    [words.created, <Time key="a" at={robot.created_at} />],
  ] as const;
}
