import type { Run } from "../../api/runs";
import { milliseconds } from "../../texts/format";

export interface Bar {
  run: Run;
  from: number;
  to: number;
  /** The row of the bar in its lane: runs at the same time have different rows. */
  row: number;
}

export interface Lane {
  bars: readonly Bar[];
  rows: number;
  /** Time with at least one run in the window, in milliseconds. */
  busyMs: number;
  failed: number;
}

export const NO_RUNS: Lane = { bars: [], rows: 1, busyMs: 0, failed: 0 };

/** The lanes by robot id. Times are milliseconds; bars are cut at the window, and open ones end at its end. */
export function lanesOf(runs: readonly Run[], from: number, to: number): ReadonlyMap<string, Lane> {
  const byRobot = new Map<string, Run[]>();
  for (const run of runs) {
    const known = byRobot.get(run.robot_id);
    if (known === undefined) byRobot.set(run.robot_id, [run]);
    else known.push(run);
  }
  return new Map([...byRobot].map(([robotId, own]) => [robotId, laneOf(own, from, to)]));
}

function laneOf(runs: readonly Run[], from: number, to: number): Lane {
  const cut = runs
    .map((run) => ({
      run,
      from: Math.max(from, milliseconds(run.started_at)),
      to: Math.min(to, run.finished_at === null ? to : milliseconds(run.finished_at)),
    }))
    .filter((one) => one.to >= one.from)
    .sort((a, b) => a.from - b.from);
  const ends: number[] = [];
  let busyMs = 0;
  let covered = from;
  const bars = cut.map((one) => {
    const free = ends.findIndex((end) => end <= one.from);
    const row = free === -1 ? ends.length : free;
    ends[row] = one.to;
    busyMs += Math.max(0, one.to - Math.max(covered, one.from));
    covered = Math.max(covered, one.to);
    return { ...one, row };
  });
  const failed = bars.filter(({ run }) => run.status === "failed" && run.reason !== "cancelled").length;
  return { bars, rows: Math.max(1, ends.length), busyMs, failed };
}

const MINUTES = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080];
const MINUTE_MS = 60_000;

/** Times of at most `most` grid lines in a window, at round times of the page's time zone. */
export function ticksOf(from: number, to: number, most: number): number[] {
  const fits = MINUTES.find((minutes) => (to - from) / (minutes * MINUTE_MS) <= most);
  const step = (fits ?? Math.ceil((to - from) / most / MINUTE_MS)) * MINUTE_MS;
  const zone = new Date(from).getTimezoneOffset() * MINUTE_MS;
  const ticks: number[] = [];
  for (let at = Math.ceil((from - zone) / step) * step + zone; at <= to; at += step) ticks.push(at);
  return ticks;
}

/** The bar at a point: `time` in milliseconds, `row` in rows from the top; bars are at least `slackMs` long. */
export function barAt(lane: Lane, time: number, row: number, slackMs: number): Bar | undefined {
  return lane.bars.findLast(
    (bar) => bar.row === row && bar.from - slackMs <= time && time <= Math.max(bar.to, bar.from) + slackMs,
  );
}
