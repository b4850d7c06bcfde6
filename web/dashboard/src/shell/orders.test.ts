import { describe, expect, it } from "vitest";
import type { Job } from "../api/jobs";
import type { Queue } from "../api/queues";
import type { Robot } from "../api/robots";
import { ordersOf } from "./orders";

const pause = { at: "2026-03-02T08:15:00.000Z", by: "admin", reason: "" };
const queue = (name: string, paused = false) => ({ queue: name, paused: paused ? pause : null }) as Queue;
const robot = (id: string, drained = false, name = "") =>
  ({ robot_id: id, name, draining: drained ? pause : null }) as unknown as Robot;
const job = (status: Job["status"], cancelled: string | null = null) =>
  ({ job_id: "job-1", status, cancel_requested_at: cancelled }) as Job;

const KNOWN = {
  queues: [queue("default"), queue("payroll", true)],
  allPaused: false,
  robots: [robot("desk-1"), robot("desk-2", true, "Reception")],
  job: job("running"),
};
const labels = (wanted: string, known: Partial<Parameters<typeof ordersOf>[0]> = {}) =>
  ordersOf({ ...KNOWN, ...known }, wanted).map(({ label }) => label);

describe("the orders of the palette", () => {
  it("are about queues and robots in their state, and about the job of the page", () => {
    expect(labels("queue")).toEqual(["Pause queue default…", "Resume queue payroll…", "Pause all queues…"]);
    expect(labels("queues", { allPaused: true })).toEqual(["Resume all queues…"]);
    expect(labels("queues", { allPaused: null })).toEqual([]);
    expect(labels("robot")).toEqual(["Drain robot desk-1…", "Resume robot Reception…"]);
    expect(labels("drain robot desk")).toEqual(["Drain robot desk-1…"]);
    expect(labels("cancel")).toEqual(["Cancel this job…"]);
    expect(labels("nothing like this")).toEqual([]);
  });

  it("are not offered before a text is typed, except the cancel of the job of the page", () => {
    expect(labels("")).toEqual(["Cancel this job…"]);
    for (const one of [undefined, job("completed"), job("failed"), job("running", "2026-03-02T08:15:00.000Z")]) {
      expect(labels("", { job: one })).toEqual([]);
    }
  });

  it("name a robot by its name and order it by its id", () => {
    const [order] = ordersOf(KNOWN, "reception");
    expect(order).toMatchObject({ kind: "robot", order: "resume", robot: { robot_id: "desk-2" } });
    expect(ordersOf(KNOWN, "payroll")).toMatchObject([{ kind: "queue", order: { queue: "payroll", pause: false } }]);
  });

  it("are at most eight of a kind", () => {
    const robots = Array.from({ length: 300 }, (_, number) => robot(`desk-${number}`));
    expect(labels("desk", { robots })).toHaveLength(8);
  });
});
