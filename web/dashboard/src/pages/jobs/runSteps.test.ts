import { describe, expect, it } from "vitest";
import type { Job, JobEvent } from "../../api/jobs";
import type { JobStep } from "../../api/steps";
import { phasesOf, rowsOf, windowOf } from "./runSteps";

const at = (second: number) => new Date(second * 1000).toISOString();
const event = (kind: string, second: number, attempt: number) => ({ kind, at: at(second), attempt }) as JobEvent;
const job = (more: Partial<Job>) => ({ attempt: 1, started_at: null, finished_at: null, ...more }) as Job;
const step = (id: number, parent: number | null, end: number | null = null) =>
  ({ id, parent, status: "running", started_at: at(id), ended_at: end === null ? null : at(end) }) as JobStep;

describe("the phases of a run", () => {
  const events = [event("submitted", 0, 0), event("offered", 5, 1), event("claimed", 6, 1), event("running", 8, 1)];

  it("follow the history, and the last one ends with the job", () => {
    expect(phasesOf(job({ finished_at: at(20) }), events, 99_000)).toEqual([
      { phase: "waited", from: 0, to: 5000 },
      { phase: "offered", from: 5000, to: 6000 },
      { phase: "claimed", from: 6000, to: 8000 },
      { phase: "running", from: 8000, to: 20_000 },
    ]);
  });

  it("of a job that has not ended last until now", () => {
    expect(phasesOf(job({}), events, 30_000).at(-1)).toEqual({ phase: "running", from: 8000, to: 30_000 });
  });

  it("leave out earlier attempts", () => {
    const second = [...events, event("offered", 40, 2)];
    expect(phasesOf(job({ attempt: 2 }), second, 50_000).map((one) => one.phase)).toEqual(["waited", "offered"]);
  });

  it("take the start of the job when its history has no start", () => {
    const found = phasesOf(job({ started_at: at(9), finished_at: at(10) }), events.slice(0, 2), 0);
    expect(found.at(-1)).toEqual({ phase: "running", from: 9000, to: 10_000 });
  });
});

describe("the steps of a run", () => {
  it("have the depth of their parents", () => {
    expect(rowsOf([step(1, null), step(2, 1), step(3, 2), step(4, 1)]).map((row) => row.depth)).toEqual([0, 1, 2, 1]);
  });

  it("span from the first start to the last end, or to now", () => {
    expect(windowOf([step(1, null, 9), step(2, 1, 4)], 0)).toEqual({ from: 1000, to: 9000 });
    expect(windowOf([step(1, null)], 5000)).toEqual({ from: 1000, to: 5000 });
  });
});
