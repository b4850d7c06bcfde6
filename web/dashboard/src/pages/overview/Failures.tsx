import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { JobSearch } from "../../address/jobs";
import type { TimeRange } from "../../address/range";
import { type FailureGroup, failuresOf } from "../../api/overview";
import { count } from "../../texts/format";
import { overviewTexts as words } from "../../texts/overview";
import { plain } from "../../texts/safe";
import { Loaded } from "../../ui/Loaded";
import { LinkButton } from "../../ui/links";
import { Panel } from "../../ui/Panel";
import { rangeText } from "../../ui/RangeSelect";
import { Age } from "../../ui/Time";
import { WorkflowLink } from "../../ui/WorkflowLink";
import classes from "./overview.module.css";

const MOST = 12;

/** Failures of a time range, grouped by workflow and error, most frequent first. */
export function Failures({ range }: { range: TimeRange }) {
  const failures = useQuery(failuresOf(range, false));
  return (
    <Panel
      title={words.failures(rangeText(range))}
      aside={
        <LinkButton size="compact-sm" variant="default" to="/failures" search={{ range }}>
          {words.allFailures}
        </LinkButton>
      }
      flush
    >
      <Loaded
        of={failures}
        empty={({ items, muted_groups: muted }) =>
          items.length === 0 && (muted > 0 ? words.allMuted : words.noFailures)
        }
      >
        {({ items }) => <FailureRows groups={items.slice(0, MOST)} search={{ ended: range }} />}
      </Loaded>
    </Panel>
  );
}

type Group = Pick<FailureGroup, "fingerprint" | "workflow_id" | "message" | "count" | "last_at" | "last_job_id"> &
  Partial<Pick<FailureGroup, "tenant_id">>;

interface RowsProps {
  groups: readonly Group[];
  /** What the links to the jobs of a group are limited to. */
  search: JobSearch;
}

/** Groups of failures: how many, the last one, and a link to all. */
export function FailureRows({ groups, search }: RowsProps) {
  return (
    <ul className={classes.rows}>
      {groups.map((group) => (
        <li key={`${group.tenant_id ?? ""} ${group.fingerprint}`} className={classes.failure}>
          <Link
            to="/jobs"
            search={{
              ...search,
              fingerprint: group.fingerprint,
              ...(group.tenant_id === undefined ? {} : { tenant: group.tenant_id }),
            }}
            className={classes.times}
            aria-label={words.showAll}
          >
            {words.times(count(group.count))}
          </Link>
          <div style={{ minWidth: 0 }}>
            <Link
              to="/jobs/$jobId"
              params={{ jobId: group.last_job_id }}
              className={classes.message}
              title={plain(group.message)}
            >
              {plain(group.message)}
            </Link>
            <Text size="xs" c="dimmed">
              <WorkflowLink id={group.workflow_id} /> · {words.last} <Age at={group.last_at} />
            </Text>
          </div>
        </li>
      ))}
    </ul>
  );
}
