import { useQuery } from "@tanstack/react-query";
import type { ROBOT_SORTS } from "../../address/robots";
import { beatsOf, type Robot } from "../../api/robots";
import { common } from "../../texts/common";
import { count } from "../../texts/format";
import { robotTexts } from "../../texts/robots";
import { Beats } from "../../ui/Beats";
import type { Column } from "../../ui/DataTable";
import { JobLink } from "../../ui/JobLink";
import { useNow } from "../../ui/now";
import { RobotLink } from "../../ui/RobotLink";
import { Sparkline } from "../../ui/Sparkline";
import { RobotBadge } from "../../ui/StatusBadge";
import { Proof } from "./Proof";
import { type Shown, strengthOf } from "./state";

const words = robotTexts.columns;

/** What the columns are sorted by. Load is unknown while a robot is offline. */
export const ROBOT_VALUES = {
  robot: ({ robot }: Shown) => robot.name || robot.robot_id,
  state: ({ state }: Shown) => common.robot[state],
  cpu: ({ robot }: Shown) => (robot.status === "offline" ? null : robot.cpu_percent),
  memory: ({ robot }: Shown) => (robot.status === "offline" ? null : robot.memory_mb),
  job: ({ robot }: Shown) => robot.current_job,
} satisfies Record<(typeof ROBOT_SORTS)[number], (row: Shown) => unknown>;

export const robotColumns: readonly Column<Shown>[] = [
  {
    id: "robot",
    sortable: true,
    header: words.robot,
    width: "minmax(110px, 1.2fr)",
    main: true,
    cell: ({ robot }) => (
      <span style={{ fontWeight: 600 }}>
        <RobotLink id={robot.robot_id} focusable={false} />
      </span>
    ),
  },
  { id: "state", header: words.state, width: "104px", cell: (row) => <State {...row} />, sortable: true },
  {
    id: "proof",
    header: words.proof,
    width: "minmax(150px, 190px)",
    cell: ({ robot }) => <Proof robot={robot} />,
    wideOnly: true,
  },
  {
    id: "beats",
    header: words.beats,
    width: "minmax(140px, 1.6fr)",
    cell: ({ robot }) => <Strip robotId={robot.robot_id} />,
    wideOnly: true,
  },
  {
    id: "cpu",
    sortable: true,
    header: words.cpu,
    width: "150px",
    cell: ({ robot }) => <Cpu robot={robot} />,
    wideOnly: true,
  },
  {
    id: "memory",
    sortable: true,
    header: words.memory,
    width: "160px",
    cell: ({ robot }) => <Memory robot={robot} />,
    wideOnly: true,
  },
  {
    id: "job",
    sortable: true,
    header: words.job,
    width: "minmax(100px, 1fr)",
    cell: ({ robot }) =>
      robot.current_job === null ? common.none : <JobLink id={robot.current_job} focusable={false} />,
  },
];

function Strip({ robotId }: { robotId: string }) {
  return <Beats beats={useQuery(beatsOf(robotId)).data} />;
}

function Cpu({ robot }: { robot: Robot }) {
  return (
    <Load
      values={useQuery(beatsOf(robot.robot_id)).data?.map((beat) => beat.cpu_percent)}
      max={100}
      label={robotTexts.cpuOf(robot.cpu_percent)}
      text={robot.status === "offline" ? "" : `${Math.round(robot.cpu_percent)} %`}
    />
  );
}

function Memory({ robot }: { robot: Robot }) {
  const values = useQuery(beatsOf(robot.robot_id)).data?.map((beat) => beat.memory_mb);
  return (
    <Load
      values={values}
      max={Math.max(1, ...(values ?? [])) * 1.2}
      label={robotTexts.memoryOf(robot.memory_mb)}
      text={robot.status === "offline" ? "" : robotTexts.megabytes(count(Math.round(robot.memory_mb)))}
    />
  );
}

function State({ robot, state }: Shown) {
  return <RobotBadge state={state} strength={strengthOf(robot, useNow())} />;
}

function Load({
  values = [],
  max,
  label,
  text,
}: {
  values?: readonly number[] | undefined;
  max: number;
  label: string;
  text: string;
}) {
  return (
    <span style={{ display: "flex", alignItems: "center", gap: 8 }}>
      <Sparkline values={values} max={max} label={label} width={72} />
      <span className="number" style={{ marginLeft: "auto" }}>
        {text}
      </span>
    </span>
  );
}
