import { Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef } from "react";
import { type Job, jobEvents } from "../../api/jobs";
import { type JobSteps, jobSteps } from "../../api/steps";
import { counted, milliseconds } from "../../texts/format";
import { timelineTexts as words } from "../../texts/jobs";
import { plain } from "../../texts/safe";
import { Loaded } from "../../ui/Loaded";
import { useNow } from "../../ui/now";
import { Panel } from "../../ui/Panel";
import classes from "./RunTimeline.module.css";
import { phasesOf, rowsOf, windowOf } from "./runSteps";

const POLL_MS = 1500;
const ROW_PIXELS = 26;

/** How the current attempt spent its time: its phases, then its steps, nested, with their durations. */
export function RunTimeline({ job }: { job: Job }) {
  const open = job.finished_at === null;
  const steps = useQuery({ ...jobSteps(job.job_id, job.attempt), refetchInterval: open ? POLL_MS : false });
  return (
    <Panel title={words.title} flush>
      <Phases job={job} />
      <Loaded of={steps} empty={({ items }) => items.length === 0 && (open ? words.noStepsYet : words.noSteps)}>
        {(found) => <Steps found={found} open={open} />}
      </Loaded>
    </Panel>
  );
}

function Phases({ job }: { job: Job }) {
  const now = useNow();
  const events = useQuery(jobEvents(job.job_id));
  return (
    <Loaded of={events} lines={1}>
      {({ items }) => {
        const phases = phasesOf(job, items, now);
        const total = Math.max(
          1,
          phases.reduce((sum, one) => sum + one.to - one.from, 0),
        );
        return (
          <div className={classes.phases}>
            <div className={classes.bar} aria-hidden>
              {phases.map((one) => (
                <span
                  key={`${one.phase}-${one.from}`}
                  data-phase={one.phase}
                  style={{ flexGrow: (one.to - one.from) / total }}
                />
              ))}
            </div>
            <ul className={classes.legend}>
              {phases.map((one) => (
                <li key={`${one.phase}-${one.from}`} data-phase={one.phase}>
                  {words.phases[one.phase]} <b>{words.seconds((one.to - one.from) / 1000)}</b>
                </li>
              ))}
            </ul>
          </div>
        );
      }}
    </Loaded>
  );
}

/** A virtual list: 10,000 steps cost as much as the visible ones. */
function Steps({ found, open }: { found: JobSteps; open: boolean }) {
  const now = useNow();
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => rowsOf(found.items), [found]);
  const { from, to } = windowOf(found.items, open ? now : 0);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PIXELS,
    overscan: 12,
  });
  const percent = (ms: number) => `${(100 * ms) / (to - from)}%`;
  return (
    <>
      <Group justify="space-between" className={classes.head}>
        <Text size="xs" c="dimmed">
          {counted(found.total, "step")}
          {found.total > rows.length && `, ${words.leftOut(found.total - rows.length)}`}
        </Text>
        <Text size="xs" c="dimmed">
          {words.clock}
        </Text>
      </Group>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it */}
      <section ref={scroller} className={classes.steps} tabIndex={0} aria-label={words.steps}>
        <ol style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index];
            if (row === undefined) return null;
            const { step, depth } = row;
            const began = milliseconds(step.started_at);
            const ended = step.ended_at === null ? (open ? now : to) : milliseconds(step.ended_at);
            const status = step.status === "running" && !open ? "stopped" : step.status;
            return (
              <li key={step.id} style={{ transform: `translateY(${item.start}px)` }} data-status={status}>
                <span
                  className={classes.name}
                  style={{ paddingLeft: 12 * Math.min(depth, 12) }}
                  title={plain(step.name)}
                >
                  <span className={classes.kind}>{plain(step.kind)}</span> {plain(step.name)}
                </span>
                <span className={classes.status}>{words.status[status]}</span>
                <span className={classes.took}>{words.seconds((ended - began) / 1000)}</span>
                <span className={classes.track} aria-hidden>
                  <span style={{ left: percent(began - from), width: percent(ended - began) }} />
                </span>
              </li>
            );
          })}
        </ol>
      </section>
    </>
  );
}
