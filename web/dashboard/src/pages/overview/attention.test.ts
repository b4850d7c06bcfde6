import { expect, it } from "vitest";
import type { Attention } from "../../api/overview";
import { grouped } from "./attention";

const problem = (kind: Attention["kind"], target: string, at: string): Attention => ({
  kind,
  target,
  message: target,
  at: `2026-03-02T${at}Z`,
});

it("many equal problems are one entry, with the time when they began together", () => {
  const items = [
    problem("queue_paused", "payroll", "09:00:00"),
    problem("robot_offline", "robot-3", "10:00:04"),
    problem("robot_offline", "robot-2", "10:00:02"),
    problem("robot_offline", "robot-1", "10:00:00"),
    problem("robot_offline", "robot-0", "07:00:00"),
    problem("clock_skew", "robot-8", "09:00:00"),
    problem("clock_skew", "robot-9", "08:00:00"),
  ];
  expect(grouped(items).map(({ kind, items: equal, at }) => [kind, equal.length, at.slice(11, 19)])).toEqual([
    ["queue_paused", 1, "09:00:00"],
    ["robot_offline", 4, "10:00:00"],
    ["clock_skew", 1, "09:00:00"],
    ["clock_skew", 1, "08:00:00"],
  ]);
});
