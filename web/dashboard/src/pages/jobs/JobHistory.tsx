import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type Job, jobEvents } from "../../api/jobs";
import { eventTexts } from "../../texts/events";
import { jobTextsOne as words } from "../../texts/jobs";
import { plain } from "../../texts/safe";
import { Loaded } from "../../ui/Loaded";
import { Panel } from "../../ui/Panel";
import { useRobotNames } from "../../ui/RobotLink";
import { Time } from "../../ui/Time";
import classes from "./JobHistory.module.css";

/** The events of a job: time, kind, robot, user, session and note. */
export function JobHistory({ job }: { job: Job }) {
  const nameOf = useRobotNames();
  const events = useQuery(jobEvents(job.job_id));
  return (
    <Panel title={words.history} flush>
      <Loaded of={events}>
        {({ items }) => (
          <ol className={classes.events}>
            {items.map((event) => (
              <li
                key={event.event_id}
                className={classes.event}
                data-status={event.status === "failed" && job.reason === "cancelled" ? "cancelled" : event.status}
              >
                <Time at={event.at} />
                <span className={classes.dot} aria-hidden />
                <div>
                  <Text span fw={500}>
                    {eventTexts[event.kind] ?? event.kind}
                  </Text>{" "}
                  <Text span c="dimmed" size="sm">
                    {[
                      event.robot_id === null ? null : nameOf(event.robot_id),
                      event.by === null ? null : words.by(event.by),
                      event.attempt > 0 ? `${words.attempt.toLowerCase()} ${event.attempt}` : null,
                      event.note,
                    ]
                      .filter((part) => part !== null && part !== "")
                      .map((part) => plain(part ?? ""))
                      .join(" · ")}
                  </Text>
                </div>
                <Text c="dimmed" size="xs" className="mono" title={event.session_id ?? undefined}>
                  {event.transition}
                </Text>
              </li>
            ))}
          </ol>
        )}
      </Loaded>
    </Panel>
  );
}
