import Download from "lucide:download";
import ScrollText from "lucide:scroll-text";
import { Group } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { useAction } from "../../api/action";
import { type Job, jobTail } from "../../api/jobs";
import { downloadLog } from "../../api/logs";
import { reload } from "../../api/queries";
import { jobTextsOne as words } from "../../texts/jobs";
import { ActionError } from "../../ui/ActionError";
import { Loaded } from "../../ui/Loaded";
import { LogLines } from "../../ui/LogLines";
import { LinkButton } from "../../ui/links";
import { ViewButton } from "../../ui/orders";
import { Panel } from "../../ui/Panel";

const LINES = 12;
const POLL_MS = 1500;

/** The last log lines of a job, with links to the whole log. */
export function JobLog({ job }: { job: Job }) {
  const open = job.finished_at === null;
  const tail = useQuery({
    ...jobTail(job.job_id, LINES),
    refetchInterval: open ? POLL_MS : false,
  });
  const download = useAction((_key) => downloadLog(job.job_id));
  // biome-ignore lint/correctness/useExhaustiveDependencies: the last lines can arrive together with the end of the job
  useEffect(() => void reload({ queryKey: jobTail(job.job_id, LINES).queryKey, exact: true }), [job.status]);
  return (
    <Panel
      title={words.log}
      flush
      aside={
        <Group gap="sm">
          <LinkButton
            size="compact-sm"
            variant="default"
            to="/logs"
            search={{ job: job.job_id }}
            leftSection={<ScrollText size={14} aria-hidden />}
          >
            {words.fullLog}
          </LinkButton>
          <ViewButton
            size="compact-sm"
            variant="default"
            leftSection={<Download size={14} aria-hidden />}
            disabled={tail.data === undefined || tail.data.length === 0}
            loading={download.busy}
            onClick={() => void download.run()}
          >
            {words.download}
          </ViewButton>
        </Group>
      }
    >
      <ActionError error={download.error} />
      <Loaded of={tail} empty={(lines) => lines.length === 0 && (open ? words.noLinesYet : words.noLines)}>
        {(lines) => <LogLines lines={lines} label={words.lastLines(lines.length)} />}
      </Loaded>
    </Panel>
  );
}
