import type { RobotState } from "@casare/client";
import { expect, it } from "vitest";
import type { Robot } from "../../api/robots";
import { shownRobots } from "./state";

const robot = (robotId: string, more: Partial<Robot>): Robot => ({
  robot_id: robotId,
  tenant_id: "default",
  tags_not_allowed: [],
  name: "",
  tags: [],
  status: "idle",
  draining: null,
  connected_at: null,
  last_seen_at: "2026-03-02T08:15:00Z",
  last_heartbeat_at: null,
  cpu_percent: 0,
  memory_mb: 0,
  current_job: null,
  capabilities: [],
  workflows: null,
  version: "",
  max_concurrent_jobs: null,
  clock_skew_seconds: null,
  created_at: "2026-03-02T08:00:00Z",
  ...more,
});

it("the robot list has disconnected robots first and robots that never connected last", () => {
  const robots = [
    robot("new", { status: "offline", last_seen_at: null }),
    robot("desk-10", {}),
    robot("desk-9", {}),
    robot("lost", { status: "offline" }),
  ];
  const order = (live: ReadonlyMap<string, RobotState>) =>
    shownRobots(robots, live, {}).map((one) => one.robot.robot_id);
  expect(order(new Map())).toEqual(["lost", "desk-9", "desk-10", "new"]);
});
