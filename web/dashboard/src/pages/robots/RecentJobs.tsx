import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { jobList } from "../../api/jobs";
import { robotTextsOne as words } from "../../texts/robots";
import { JobLink } from "../../ui/JobLink";
import { Loaded } from "../../ui/Loaded";
import { LinkButton } from "../../ui/links";
import { Panel } from "../../ui/Panel";
import { JobBadge } from "../../ui/StatusBadge";
import { Age, Duration } from "../../ui/Time";
import { WorkflowLink } from "../../ui/WorkflowLink";
import { useLiveList } from "../jobs/useLiveList";
import classes from "./rows.module.css";

const MOST = 8;

/** The last jobs of a robot. */
export function RecentJobs({ robotId, list }: { robotId: string; list: ReturnType<typeof jobList> }) {
  const recent = useInfiniteQuery(list);
  useLiveList(useMemo(() => ({ robot: robotId }), [robotId]));
  return (
    <Panel
      title={words.recent}
      flush
      aside={
        <LinkButton size="compact-sm" variant="default" to="/jobs" search={{ robot: robotId }}>
          {words.allJobs}
        </LinkButton>
      }
    >
      <Loaded of={recent} empty={({ pages }) => pages[0]?.items.length === 0 && words.noJobs}>
        {({ pages }) => (
          <ul className={classes.rows}>
            {pages[0]?.items.slice(0, MOST).map((job) => (
              <li key={job.job_id} className={classes.row}>
                <JobBadge status={job.status} reason={job.reason} />
                <WorkflowLink id={job.workflow_id} />
                <JobLink id={job.job_id} />
                <span className={classes.dim}>
                  <Duration from={job.started_at} to={job.finished_at} />
                </span>
                <span className={classes.dim}>
                  <Age at={job.created_at} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Panel>
  );
}
