import type { RobotState } from "@casare/client";
import { expect, it } from "vitest";
import type { RobotSearch } from "../../address/robots";
import type { Robot, RobotOrder } from "../../api/robots";
import { changesOf } from "./changes";
import { mapRows, moved, type Place } from "./mapRows";
import { affectedBy, groupsOf, matchingRobots, shownRobots, sortedRobots } from "./state";

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

const names = (robots: readonly Robot[], live: ReadonlyMap<string, RobotState>, search: RobotSearch = {}) =>
  matchingRobots(sortedRobots(robots), live, search).robots.map((one) => one.robot.robot_id);

it("the robot list has disconnected robots first and robots that never connected last", () => {
  const robots = [
    robot("new", { status: "offline", last_seen_at: null }),
    robot("desk-10", {}),
    robot("desk-9", {}),
    robot("lost", { status: "offline" }),
    robot("a1b2", { name: "desk-9b" }),
  ];
  expect(names(robots, new Map())).toEqual(["lost", "desk-9", "a1b2", "desk-10", "new"]);
});

const FLEET = [
  robot("desk-1", { tags: ["sap", "web"], name: "Büro" }),
  robot("desk-2", { tags: ["sap"], status: "busy" }),
  robot("desk-3", { tags: [], status: "offline" }),
  robot("desk-4", { tags: ["web"], draining: { at: "2026-03-02T08:15:00Z", by: "ana", reason: null } }),
];

it("the numbers by state count the robots that the other filters leave, and each number is that of its list", () => {
  const live = new Map([["desk-1", { robot_id: "desk-1", status: "offline" } as RobotState]]);
  const searches: RobotSearch[] = [{}, { tag: "sap" }, { q: "büro" }, { q: "WEB", tag: "sap" }, { q: "none" }];
  const counts = searches.map((search) => matchingRobots(sortedRobots(FLEET), live, search).counts);
  expect(counts).toEqual([
    { idle: 0, busy: 1, draining: 1, offline: 2 },
    { idle: 0, busy: 1, draining: 0, offline: 1 },
    { idle: 0, busy: 0, draining: 0, offline: 1 },
    { idle: 0, busy: 0, draining: 0, offline: 1 },
    { idle: 0, busy: 0, draining: 0, offline: 0 },
  ]);
  const matching = matchingRobots(sortedRobots(FLEET), live, {});
  for (const state of ["idle", "busy", "draining", "offline"] as const)
    expect(shownRobots(matching, state)).toHaveLength(matching.counts[state]);
  expect(shownRobots(matching, undefined)).toHaveLength(FLEET.length);
});

it("a robot is in the group of each of its tags, and robots without tags are in the last group", () => {
  const groups = (tag?: string) => {
    const shown = matchingRobots(sortedRobots(FLEET), new Map(), tag === undefined ? {} : { tag }).robots;
    return groupsOf(shown, tag).map((group) => [group.tag, group.robots.map((one) => one.robot.robot_id)]);
  };
  expect(groups()).toEqual([
    ["sap", ["desk-1", "desk-2"].sort(byName)],
    ["web", ["desk-1", "desk-4"].sort(byName)],
    [null, ["desk-3"]],
  ]);
  expect(groups("web").map(([tag]) => tag)).toEqual(["web"]);
});

/** As the list orders them: Büro, which is desk-1, is before the others. */
const byName = (a: string, b: string) => (a === "desk-1" ? "Büro" : a).localeCompare(b === "desk-1" ? "Büro" : b);

it("an order is for the robots that it changes", () => {
  const ids = (order: RobotOrder) => affectedBy(order, FLEET).map((one) => one.robot_id);
  expect(ids("drain")).toEqual(["desk-1", "desk-2", "desk-3"]);
  expect(ids("resume")).toEqual(["desk-4"]);
  expect(ids("restart")).toHaveLength(4);
});

it("the arrow keys reach every cell of the map, and stay at its ends", () => {
  const group = (tag: string, size: number) => ({
    tag,
    robots: Array.from({ length: size }, (_, number) => ({
      robot: robot(`${tag}-${number}`, {}),
      state: "idle" as const,
    })),
  });
  const rows = mapRows([group("a", 5), group("b", 1)], 3); // head, 3 cells, 2 cells, head, 1 cell
  const walk = (key: string, from: Place) => {
    const seen = [from];
    for (let at = from; ; ) {
      const next = moved(rows, at, key);
      if (next === null || (next.row === at.row && next.column === at.column)) return seen;
      seen.push(next);
      at = next;
    }
  };
  const all = walk("ArrowRight", { row: 1, column: 0 });
  expect(all.map(({ row, column }) => `${row}.${column}`)).toEqual(["1.0", "1.1", "1.2", "2.0", "2.1", "4.0"]);
  expect(walk("ArrowLeft", { row: 4, column: 0 })).toEqual([...all].reverse());
  expect(walk("ArrowDown", { row: 1, column: 2 }).at(-1)).toEqual({ row: 4, column: 0 });
  expect(walk("ArrowUp", { row: 4, column: 0 }).at(-1)).toEqual({ row: 1, column: 0 });
  expect(moved(rows, { row: 2, column: 1 }, "Home")).toEqual({ row: 1, column: 0 });
  expect(moved(rows, { row: 1, column: 0 }, "End")).toEqual({ row: 4, column: 0 });
  expect(moved(rows, { row: 1, column: 0 }, "Tab")).toBeNull();
});

it("only changed fields of a robot are sent, and tags one by one", () => {
  const before = { name: "Desk", slots: 2, tags: ["sap", "web"] };
  expect(changesOf(before, before)).toEqual({});
  expect(changesOf(before, { name: "", slots: null, tags: ["web", "pdf"] })).toEqual({
    name: "",
    max_concurrent_jobs: null,
    add_tags: ["pdf"],
    remove_tags: ["sap"],
  });
});
