import { Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Job, jobTail, type LogRow } from "../../api/jobs";
import { common } from "../../texts/common";
import { jobTextsOne as words } from "../../texts/jobs";
import { plain } from "../../texts/safe";
import { Facts } from "../../ui/Facts";
import { Loaded } from "../../ui/Loaded";
import { LogLines } from "../../ui/LogLines";
import { Panel } from "../../ui/Panel";
import { SafeText } from "../../ui/SafeText";

const LINES = 20;

/** The error of a failed job: message, node, last log lines and traceback. */
export function FailureCard({ job }: { job: Job }) {
  const tail = useQuery(jobTail(job.job_id, LINES));
  const error = job.error ?? {};
  const text = (name: string) => (typeof error[name] === "string" ? (error[name] as string) : null);
  const fact = (name: string) => plain(text(name) ?? "") || null;
  const traceback = text("traceback");
  return (
    <Panel title={words.whyFailed} tone="failed">
      <Stack gap="md">
        <Text fw={600} style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
          <SafeText text={text("message") ?? job.message ?? common.reason[job.reason ?? "error"]} />
        </Text>
        <Facts
          facts={[
            [words.node, fact("node_id")],
            [words.code, fact("code")],
          ]}
        />
        <Loaded of={tail} empty={(lines) => lines.length === 0 && null}>
          {(lines) => <LastLines jobId={job.job_id} lines={lines} />}
        </Loaded>
        {traceback !== null && (
          <details>
            <summary>{words.traceback}</summary>
            <pre className="mono" style={{ overflow: "auto", fontSize: 12 }}>
              <SafeText text={traceback} />
            </pre>
          </details>
        )}
      </Stack>
    </Panel>
  );
}

function LastLines({ jobId, lines }: { jobId: string; lines: readonly LogRow[] }) {
  const failing = lines.findLast((line) => line.level === "ERROR");
  return (
    <div>
      <Text size="xs" c="dimmed" mb={4}>
        {words.lastLines(lines.length)}
        {" · "}
        <Link
          to="/logs"
          search={{ job: jobId, ...(failing === undefined ? {} : { line: failing.log_id }) }}
          className="link"
        >
          {failing === undefined ? words.fullLog : words.failingLine}
        </Link>
      </Text>
      <div className="panel">
        <LogLines lines={lines} label={words.lastLines(lines.length)} marked={failing?.log_id} />
      </div>
    </div>
  );
}
