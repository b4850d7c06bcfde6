import { describe, expect, it } from "vitest";
import type { Run } from "../../api/runs";
import { barAt, lanesOf, ticksOf } from "./lanes";

const AT = Date.parse("2026-03-02T08:00:00Z");
const MINUTE = 60_000;
const at = (minutes: number) => new Date(AT + minutes * MINUTE).toISOString();

function run(robot: string, from: number, to: number | null, status: Run["status"] = "completed"): Run {
  return {
    job_id: `job-${robot}-${from}`,
    robot_id: robot,
    workflow_id: "w",
    attempt: 1,
    status,
    reason: status === "failed" ? "error" : null,
    started_at: at(from),
    finished_at: to === null ? null : at(to),
  };
}

const minutesOf = (time: number) => (time - AT) / MINUTE;
const lanes = (...runs: Run[]) => lanesOf(runs, AT, AT + 60 * MINUTE);

describe("the lanes of robots", () => {
  it("cut runs at the window, and end open ones at its end", () => {
    const lane = lanes(run("a", -10, 5), run("a", 50, null, "running")).get("a");
    expect(lane?.bars.map((bar) => [minutesOf(bar.from), minutesOf(bar.to)])).toEqual([
      [0, 5],
      [50, 60],
    ]);
    expect((lane?.busyMs ?? 0) / MINUTE).toBe(15);
  });

  it("leave out runs outside of the window", () => {
    expect(lanes(run("a", -10, -5), run("a", 61, null)).get("a")?.bars).toEqual([]);
  });

  it("put runs at the same time into different rows, and count the time once", () => {
    const lane = lanes(run("a", 0, 30), run("a", 10, 20), run("a", 30, 40), run("b", 0, 1)).get("a");
    expect(lane?.bars.map((bar) => bar.row)).toEqual([0, 1, 0]);
    expect([lane?.rows, (lane?.busyMs ?? 0) / MINUTE]).toEqual([2, 40]);
  });

  it("count failures without cancelled jobs", () => {
    const cancelled: Run = { ...run("a", 5, 6, "failed"), reason: "cancelled" };
    expect(lanes(run("a", 0, 1, "failed"), cancelled).get("a")?.failed).toBe(1);
  });

  it("find the run at a point", () => {
    const lane = lanes(run("a", 0, 30), run("a", 10, 20));
    const found = (minutes: number, row: number) =>
      barAt(lane.get("a") ?? expect.fail(), AT + minutes * MINUTE, row, MINUTE)?.run.job_id;
    expect([found(15, 0), found(15, 1), found(20.5, 1), found(25, 1)]).toEqual([
      "job-a-0",
      "job-a-10",
      "job-a-10",
      undefined,
    ]);
  });
});

it("grid lines are at round times, and not too many", () => {
  const minutes = (from: number, to: number, most: number) =>
    ticksOf(AT + from * MINUTE, AT + to * MINUTE, most).map(minutesOf);
  expect(minutes(3, 63, 6)).toEqual([10, 20, 30, 40, 50, 60]);
  expect(minutes(0, 60, 4)).toEqual([0, 15, 30, 45, 60]);
  for (const hours of [1, 24, 24 * 7, 24 * 90])
    expect(ticksOf(AT, AT + hours * 60 * MINUTE, 8).length).toBeLessThanOrEqual(9);
});
