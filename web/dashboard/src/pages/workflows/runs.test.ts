import { describe, expect, it } from "vitest";
import type { Job } from "../../api/jobs";
import { durationsOver, failuresOf, percentile, secondsOf } from "./runs";

const at = (seconds: number) => new Date(Date.UTC(2026, 2, 2, 8) + seconds * 1000).toISOString();
const run = (number: number, took: number, status = "completed") =>
  ({ status, created_at: at(number * 60), started_at: at(number * 60), finished_at: at(number * 60 + took) }) as Job;

describe("the runs of a workflow", () => {
  it("have a duration when they started and ended", () => {
    expect(secondsOf(run(1, 2.5))).toBe(2.5);
    expect(secondsOf({ ...run(1, 2), started_at: null })).toBeNull();
  });

  it("have percentiles that are durations of runs", () => {
    expect(percentile([], 50)).toBeNull();
    expect(percentile([4, 1, 3, 2], 50)).toBe(2);
    expect(percentile([...Array(100).keys()], 95)).toBe(94);
  });

  it("are summarised oldest first, without failed runs and without an incomplete rest", () => {
    const newestFirst = [run(6, 60), run(5, 50), run(4, 1, "failed"), run(3, 30), run(2, 20), run(1, 10)];
    expect(durationsOver(newestFirst, 2)).toEqual([
      { at: at(180), median: 20, slow: 30 },
      { at: at(360), median: 50, slow: 60 },
    ]);
  });

  it("have their failures grouped by cause, with the newest of each", () => {
    const failed = (job_id: string, fingerprint: string | null) =>
      ({ ...run(1, 1, "failed"), job_id, fingerprint, workflow_id: "w" }) as Job;
    const newestFirst = [failed("d", "rare"), failed("c", "often"), failed("b", null), failed("a", "often")];
    const groups = failuresOf(newestFirst, (job) => `message of ${job.job_id}`);
    expect(groups.map((group) => [group.fingerprint, group.count, group.last_job_id, group.message])).toEqual([
      ["often", 2, "c", "message of c"],
      ["rare", 1, "d", "message of d"],
    ]);
  });
});
