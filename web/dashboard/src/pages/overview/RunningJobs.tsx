import { Progress } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { OPEN } from "../../address/jobs";
import { jobList } from "../../api/jobs";
import { common } from "../../texts/common";
import { jobTexts } from "../../texts/jobs";
import { overviewTexts as words } from "../../texts/overview";
import { JobLink } from "../../ui/JobLink";
import { Loaded } from "../../ui/Loaded";
import { LinkButton } from "../../ui/links";
import { Panel } from "../../ui/Panel";
import { RobotLink } from "../../ui/RobotLink";
import { Duration } from "../../ui/Time";
import { WorkflowLink } from "../../ui/WorkflowLink";
import { useLiveList } from "../jobs/useLiveList";
import classes from "./overview.module.css";

const SEARCH = { status: OPEN };
const MOST = 14;

/** The jobs that robots have now, newest first, with their progress. */
export function RunningJobs() {
  const list = useInfiniteQuery(jobList(SEARCH));
  useLiveList(SEARCH);
  return (
    <Panel
      title={words.runningNow}
      aside={
        <LinkButton size="compact-sm" variant="default" to="/jobs" search={SEARCH}>
          {words.allRunning}
        </LinkButton>
      }
      flush
    >
      <Loaded of={list} empty={({ pages }) => pages[0]?.items.length === 0 && words.noneRunning}>
        {({ pages }) => (
          <ul className={classes.rows}>
            {pages[0]?.items.slice(0, MOST).map((job) => (
              <li key={job.job_id} className={classes.running}>
                <span className="clip">
                  <WorkflowLink id={job.workflow_id} />
                </span>
                <JobLink id={job.job_id} />
                <span className="clip">{job.robot_id === null ? common.none : <RobotLink id={job.robot_id} />}</span>
                <Progress
                  value={job.progress}
                  color="var(--running)"
                  size="sm"
                  aria-label={jobTexts.columns.progress}
                />
                <span className={classes.age}>
                  <Duration from={job.started_at} to={job.finished_at} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Panel>
  );
}
