import { Alert, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { jobList } from "../../api/jobs";
import { type Beat, beatsOf, type Robot, robotOf } from "../../api/robots";
import { useRobots } from "../../live/live";
import { common } from "../../texts/common";
import { robotTextsOne as words } from "../../texts/robots";
import { plain } from "../../texts/safe";
import { Beats } from "../../ui/Beats";
import { GAP_SECONDS } from "../../ui/beatSlots";
import { CopyIcon } from "../../ui/CopyLine";
import { Facts } from "../../ui/Facts";
import { JobLink } from "../../ui/JobLink";
import { Loaded } from "../../ui/Loaded";
import { LinkAnchor } from "../../ui/links";
import { useNow } from "../../ui/now";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { RobotBadge } from "../../ui/StatusBadge";
import { Age, Time } from "../../ui/Time";
import { TimeChart } from "../../ui/TimeChart";
import { WorkflowLink } from "../../ui/WorkflowLink";
import { Orders } from "./Orders";
import { Proof } from "./Proof";
import { RecentJobs } from "./RecentJobs";
import { RobotKeys } from "./RobotKeys";
import { RobotOrders } from "./RobotOrders";
import { merged, stateOf, strengthOf } from "./state";

/** One robot: status, load, recent jobs, tags, keys and audit log. */
export function RobotPage() {
  const { robotId } = useParams({ from: "/robots/$robotId" });
  const asked = useQuery(robotOf(robotId));
  const live = useRobots().get(robotId);
  return (
    <Loaded of={asked} gone={words.gone} lines={6}>
      {(robot) => <Shown robot={merged(robot, live)} />}
    </Loaded>
  );
}

function Shown({ robot }: { robot: Robot }) {
  const now = useNow();
  const state = stateOf(robot);
  const recent = useQuery(beatsOf(robot.robot_id));
  return (
    <>
      <PageHeader
        title={plain(robot.name || robot.robot_id)}
        aside={<RobotBadge state={state} strength={strengthOf(robot, now)} />}
      >
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
            <Loaded of={recent} lines={1}>
              {(beats) => <Beats beats={beats} height={28} />}
            </Loaded>
          </Stack>
        </Panel>
        {recent.data !== undefined && recent.data.length > 1 && <Load beats={recent.data} />}
        <RecentJobs robotId={robot.robot_id} list={jobList({ robot: robot.robot_id })} />
        <RobotKeys robotId={robot.robot_id} />
        <RobotOrders robotId={robot.robot_id} />
      </Stack>
    </>
  );
}

/** CPU and memory at the last heartbeats. */
function Load({ beats }: { beats: readonly Beat[] }) {
  const at = beats.map((beat) => beat.at);
  const cpu = [{ label: words.cpu, color: "--measure", values: beats.map((beat) => beat.cpu_percent) }];
  const memory = [{ label: words.memory, color: "--measure", values: beats.map((beat) => beat.memory_mb) }];
  return (
    <Panel title={words.load}>
      <div style={{ display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(280px, 1fr))", gap: 20 }}>
        <TimeChart
          label={words.cpu}
          axis={words.cpuAxis}
          at={at}
          series={cpu}
          height={110}
          longestSeconds={GAP_SECONDS}
        />
        <TimeChart
          label={words.memory}
          axis={words.memoryAxis}
          at={at}
          series={memory}
          height={110}
          longestSeconds={GAP_SECONDS}
        />
      </div>
    </Panel>
  );
}

function factsOf(robot: Robot) {
  return [
    [
      words.id,
      <span key="i" className="mono">
        {robot.robot_id} <CopyIcon text={robot.robot_id} label={words.id} />
      </span>,
    ],
    [words.job, robot.current_job === null ? words.noJob : <JobLink key="j" id={robot.current_job} />],
    [words.slots, robot.max_concurrent_jobs === null ? words.ownWord : String(robot.max_concurrent_jobs)],
    [words.connected, robot.connected_at === null ? null : <Time key="c" at={robot.connected_at} />],
    [words.lastSeen, robot.last_seen_at === null ? null : <Time key="s" at={robot.last_seen_at} />],
    [words.tags, <RobotTags key="g" robot={robot} />],
    [words.version, robot.version || null],
    [words.capabilities, robot.capabilities.length > 0 ? robot.capabilities.join(", ") : null],
    [words.workflows, robot.workflows === null ? null : <Workflows key="w" ids={robot.workflows} />],
    [words.skew, robot.clock_skew_seconds === null ? null : words.skewText(robot.clock_skew_seconds)],
    [words.created, <Time key="a" at={robot.created_at} />],
  ] as const;
}

/** The stored tags, and the reported ones that do not count because no admin stored them. */
function RobotTags({ robot }: { robot: Robot }) {
  if (robot.tags.length + robot.tags_not_allowed.length === 0) return words.noTags;
  const refused = robot.tags_not_allowed.map((tag) => words.notAllowed(tag));
  return plain([...robot.tags, ...refused].join(", "));
}

function Workflows({ ids }: { ids: readonly string[] }) {
  if (ids.length === 0) return words.noWorkflows;
  return (
    <Group gap="sm">
      {ids.map((id) => (
        <WorkflowLink key={id} id={id} />
      ))}
    </Group>
  );
}
