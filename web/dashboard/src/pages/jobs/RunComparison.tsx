import GitCompareArrows from "lucide:git-compare-arrows";
import { Stack, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { type ComparedTime, type Comparison, comparisonOf, type Differences } from "../../api/comparison";
import { common } from "../../texts/common";
import { counted } from "../../texts/format";
import { timelineTexts, comparisonTexts as words } from "../../texts/jobs";
import { plain } from "../../texts/safe";
import { JobLink } from "../../ui/JobLink";
import { Loaded } from "../../ui/Loaded";
import { ViewButton } from "../../ui/orders";
import { Panel } from "../../ui/Panel";
import { RobotLink } from "../../ui/RobotLink";
import classes from "./RunComparison.module.css";

/** A panel that compares a failed job when the user asks for it. */
export function RunComparison({ jobId }: { jobId: string }) {
  const [asked, setAsked] = useState(false);
  return (
    <Panel title={words.title}>
      {asked ? (
        <ComparedWithGoodRun jobId={jobId} />
      ) : (
        <div>
          <ViewButton
            size="compact-sm"
            variant="default"
            leftSection={<GitCompareArrows size={14} aria-hidden />}
            onClick={() => setAsked(true)}
          >
            {words.compare}
          </ViewButton>
        </div>
      )}
    </Panel>
  );
}

/** What differs between a failed job and the last good run of its workflow. */
export function ComparedWithGoodRun({ jobId }: { jobId: string }) {
  const found = useQuery(comparisonOf(jobId));
  return (
    <Loaded of={found} empty={({ other }) => other === null && words.none}>
      {(comparison) => <Compared comparison={comparison} />}
    </Loaded>
  );
}

function Compared({ comparison: { run, other, differences } }: { comparison: Comparison }) {
  if (other === null || differences === null) return null;
  return (
    <Stack gap="sm">
      <Table.ScrollContainer minWidth={420}>
        <Table className={classes.table}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{words.what}</Table.Th>
              <Table.Th>{words.thisRun}</Table.Th>
              <Table.Th>
                {words.goodRun} <JobLink id={other.job_id} />
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            <Row name={words.robot} mine={robotOf(run.robot_id)} theirs={robotOf(other.robot_id)} />
            <Row name={words.waited} mine={tookOf(run.waited_seconds)} theirs={tookOf(other.waited_seconds)} />
            <Row name={words.ran} mine={tookOf(run.ran_seconds)} theirs={tookOf(other.ran_seconds)} />
            {differences.parameters.map(({ path, run: mine, other: theirs }) => (
              <Row key={`parameter ${path}`} name={plain(path)} mine={jsonOf(mine)} theirs={jsonOf(theirs)} />
            ))}
            {differences.steps.map(({ path, run: mine, other: theirs }, place) => (
              <Row key={`step ${place}`} name={path.map(plain).join(" / ")} mine={endOf(mine)} theirs={endOf(theirs)} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <LeftOut differences={differences} />
      <FirstLine differences={differences} />
    </Stack>
  );
}

function Row({ name, mine, theirs }: { name: string; mine: ReactNode; theirs: ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th scope="row">{name}</Table.Th>
      <Table.Td>{mine}</Table.Td>
      <Table.Td>{theirs}</Table.Td>
    </Table.Tr>
  );
}

const robotOf = (id: string | null) => (id === null ? common.none : <RobotLink id={id} />);
const tookOf = (seconds: number | null) => (seconds === null ? common.none : timelineTexts.seconds(seconds));
const jsonOf = (json: string | null) => (json === null ? common.none : plain(json));
const endOf = (time: ComparedTime | null) =>
  time === null ? words.notRun : words.step(timelineTexts.status[time.status], tookOf(time.seconds));

function LeftOut({ differences }: { differences: Differences }) {
  const number = differences.parameters_left_out + differences.steps_left_out;
  if (number > 0) return <Text size="sm">{words.leftOut(number)}</Text>;
  const nothing = differences.parameters.length === 0 && differences.steps.length === 0;
  return nothing ? <Text size="sm">{words.same}</Text> : null;
}

function FirstLine({ differences }: { differences: Differences }) {
  const { first_line: first, lines_compared: compared, lines_cut: cut } = differences;
  const lines = counted(compared, "line");
  if (first === null) return <Text size="sm">{cut ? words.sameFirst(lines) : words.sameLines(lines)}</Text>;
  return (
    <div>
      <Text size="sm">{words.firstLine(first.number)}</Text>
      <dl className={classes.lines}>
        <dt>{words.thisRun}</dt>
        <dd>{first.run === null ? words.logEnded : plain(first.run.message)}</dd>
        <dt>{words.goodRun}</dt>
        <dd>{first.other === null ? words.logEnded : plain(first.other.message)}</dd>
      </dl>
    </div>
  );
}
