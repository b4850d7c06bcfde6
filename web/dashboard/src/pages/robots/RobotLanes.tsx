import { useComputedColorScheme } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type MouseEvent, memo, useEffect, useMemo, useRef, useState } from "react";
import type { TimeRange } from "../../address/range";
import { type Run, type RunList, runsIn } from "../../api/runs";
import { common } from "../../texts/common";
import { dayTime, localTime, milliseconds, shortTime, span, timeZone } from "../../texts/format";
import { laneTexts as words } from "../../texts/robots";
import { plain } from "../../texts/safe";
import { Loaded } from "../../ui/Loaded";
import { RobotLink } from "../../ui/RobotLink";
import { type Bar, barAt, type Lane, lanesOf, NO_RUNS, ticksOf } from "./lanes";
import classes from "./RobotLanes.module.css";
import type { Shown } from "./state";

const ROW_PIXELS = 30;
const LANE_PIXELS = 29;
const MARGIN = 4;
const TICK_PIXELS = 90;
const SLACK_PIXELS = 3;
const DAY_MS = 86_400_000;

const TONES = {
  running: "--running",
  completed: "--completed",
  failed: "--failed",
  cancelled: "--offline",
} as const;
type Tone = keyof typeof TONES;

const toneOf = ({ status, reason }: Run): Tone =>
  reason === "cancelled" ? "cancelled" : status === "completed" || status === "failed" ? status : "running";

/** What each robot ran and when it had no job, as one lane per robot in a virtual list. */
export function RobotLanes({ shown, range }: { shown: readonly Shown[]; range: TimeRange }) {
  const runs = useQuery(runsIn(range));
  return (
    <Loaded of={runs} lines={8}>
      {(found) => <Lanes shown={shown} found={found} />}
    </Loaded>
  );
}

interface Hovered {
  run: Run;
  name: string;
}

function Lanes({ shown, found }: { shown: readonly Shown[]; found: RunList }) {
  const scroller = useRef<HTMLDivElement>(null);
  const axis = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [hovered, setHovered] = useState<Hovered | null>(null);
  useEffect(() => {
    const host = axis.current;
    if (host === null) return;
    const watch = new ResizeObserver(() => setWidth(host.clientWidth));
    watch.observe(host);
    return () => watch.disconnect();
  }, []);
  const [from, to] = [milliseconds(found.since), milliseconds(found.until)];
  const lanes = useMemo(() => lanesOf(found.items, from, to), [found, from, to]);
  const known = useMemo(() => (found.more ? firstEnd(found.items, to) : from), [found, from, to]);
  const ticks = ticksOf(from, to, Math.max(2, Math.floor(width / TICK_PIXELS)));
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PIXELS,
    overscan: 8,
  });
  const time = to - from > DAY_MS ? dayTime : shortTime;
  return (
    <>
      <div className={classes.legend}>
        {(Object.keys(TONES) as Tone[]).map((tone) => (
          <span key={tone} style={{ "--tone": `var(${TONES[tone]})` } as React.CSSProperties}>
            {words.tones[tone]}
          </span>
        ))}
        <span className={classes.hovered} role="status">
          {hovered === null ? (found.more ? words.more : timeZone) : textOf(hovered)}
        </span>
      </div>
      <div className={classes.head} aria-hidden>
        <span>{words.robot}</span>
        <span className={classes.busy}>{words.busy}</span>
        <div ref={axis} className={classes.axis}>
          {ticks.map((at) => (
            <span key={at} style={{ left: `${(100 * (at - from)) / (to - from)}%` }}>
              {time(at)}
            </span>
          ))}
        </div>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it */}
      <section ref={scroller} className={classes.scroller} tabIndex={0} aria-label={words.lanes}>
        <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {virtual.getVirtualItems().map((item) => {
            const robot = shown[item.index]?.robot;
            if (robot === undefined) return null;
            const lane = lanes.get(robot.robot_id) ?? NO_RUNS;
            return (
              <div key={robot.robot_id} className={classes.row} style={{ transform: `translateY(${item.start}px)` }}>
                <RobotLink id={robot.robot_id} />
                <span className={classes.busy}>
                  {found.more ? common.none : words.percent((100 * lane.busyMs) / (to - from))}
                </span>
                <LaneCanvas
                  lane={lane}
                  from={from}
                  to={to}
                  known={known}
                  ticks={ticks}
                  label={words.lane(lane.bars.length, lane.failed)}
                  onHover={(run) => setHovered(run === null ? null : { run, name: robot.name || robot.robot_id })}
                />
              </div>
            );
          })}
        </div>
      </section>
    </>
  );
}

function textOf({ run, name }: Hovered): string {
  const took = run.finished_at === null ? null : (milliseconds(run.finished_at) - milliseconds(run.started_at)) / 1000;
  return words.run(
    plain(run.workflow_id),
    plain(name),
    localTime(run.started_at),
    took === null ? words.tones.running : `${words.tones[toneOf(run)]}, ${span(took)}`,
  );
}

/** The end of the run that ended first: runs that ended before it are left out of a list with `more`. */
const firstEnd = (runs: readonly Run[], to: number): number =>
  runs.reduce((first, run) => (run.finished_at === null ? first : Math.min(first, milliseconds(run.finished_at))), to);

interface CanvasProps {
  lane: Lane;
  from: number;
  to: number;
  /** All runs that ended from this time are known. */
  known: number;
  ticks: readonly number[];
  label: string;
  onHover: (run: Run | null) => void;
}

const heightOf = (lane: Lane) => (LANE_PIXELS - 2 * MARGIN) / lane.rows;

/** One lane, drawn on a canvas: thousands of bars cost as much as a few. A click opens the job. */
const LaneCanvas = memo(
  function LaneCanvas({ lane, from, to, known, ticks, label, onHover }: CanvasProps) {
    const canvas = useRef<HTMLCanvasElement>(null);
    const scheme = useComputedColorScheme("light");
    const navigate = useNavigate();
    // biome-ignore lint/correctness/useExhaustiveDependencies: the colours depend on the scheme
    useEffect(() => {
      const drawn = canvas.current;
      if (drawn === null) return;
      const draw = () => drawLane(drawn, lane, { from, to, known, ticks });
      const watch = new ResizeObserver(draw);
      watch.observe(drawn);
      draw();
      return () => watch.disconnect();
    }, [lane, from, to, known, ticks, scheme]);
    const find = (event: MouseEvent<HTMLCanvasElement>): Bar | undefined => {
      const box = event.currentTarget.getBoundingClientRect();
      const scale = (to - from) / box.width;
      const row = Math.floor((event.clientY - box.top - MARGIN) / heightOf(lane));
      return barAt(lane, from + (event.clientX - box.left) * scale, row, SLACK_PIXELS * scale);
    };
    return (
      <canvas
        ref={canvas}
        className={classes.lane}
        role="img"
        aria-label={label}
        onMouseMove={(event) => {
          const bar = find(event);
          event.currentTarget.style.cursor = bar === undefined ? "" : "pointer";
          onHover(bar?.run ?? null);
        }}
        onMouseLeave={() => onHover(null)}
        onClick={(event) => {
          const bar = find(event);
          if (bar !== undefined) void navigate({ to: "/jobs/$jobId", params: { jobId: bar.run.job_id } });
        }}
      />
    );
  },
  (before, after) =>
    before.lane === after.lane &&
    before.from === after.from &&
    before.to === after.to &&
    before.ticks.length === after.ticks.length,
);

type Drawn = Pick<CanvasProps, "from" | "to" | "known" | "ticks">;

function drawLane(canvas: HTMLCanvasElement, lane: Lane, { from, to, known, ticks }: Drawn): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  const ratio = window.devicePixelRatio;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const x = (time: number) => ((time - from) / (to - from)) * width;
  context.fillStyle = style.getPropertyValue("--offline-tint");
  context.fillRect(0, 0, x(known), height);
  context.fillStyle = style.getPropertyValue("--line");
  for (const at of ticks) context.fillRect(Math.round(x(at)), 0, 1, height);
  const rowHeight = heightOf(lane);
  for (const tone of Object.keys(TONES) as Tone[]) {
    context.fillStyle = style.getPropertyValue(TONES[tone]);
    for (const bar of lane.bars) {
      if (toneOf(bar.run) !== tone) continue;
      const left = x(bar.from);
      context.fillRect(left, MARGIN + bar.row * rowHeight, Math.max(2, x(bar.to) - left), Math.max(1, rowHeight - 1));
    }
  }
}
