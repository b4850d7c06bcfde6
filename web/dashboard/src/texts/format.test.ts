import { describe, expect, it } from "vitest";
import { filterOf, isFiltered, searchOfJobs } from "../address/jobs";
import type { Robot } from "../api/robots";
import { FrameBatch } from "../live/frames";
import { parametersOf } from "../pages/jobs/parameters";
import { commandsFor } from "../pages/robots/commands";
import { stateOf, strengthOf } from "../pages/robots/state";
import { counted, localTime, span, utcTime } from "./format";

const robot = (more: Partial<Robot>): Robot => ({
  robot_id: "alpha",
  name: "",
  tenant_id: "default",
  tags: [],
  tags_not_allowed: [],
  max_concurrent_jobs: null,
  status: "idle",
  current_job: null,
  cpu_percent: 0,
  memory_mb: 0,
  last_heartbeat_at: null,
  last_seen_at: null,
  created_at: "2026-03-02T08:15:00.000Z",
  draining: null,
  clock_skew_seconds: null,
  connected_at: null,
  version: "",
  capabilities: [],
  workflows: null,
  ...more,
});

describe("texts", () => {
  it("show durations in their two largest units", () => {
    expect([0, 59.4, 60, 200, 3600, 7500, 90_000, -5].map(span)).toEqual([
      "0 s",
      "59 s",
      "1 min",
      "3 min 20 s",
      "1 h",
      "2 h 5 min",
      "1 d 1 h",
      "0 s",
    ]);
  });

  it("show local times with the parts of the date that differ from now", () => {
    const now = new Date(2026, 2, 2, 12).getTime();
    const shown = [new Date(2026, 2, 2, 8, 15), new Date(2026, 2, 1, 8, 15), new Date(2027, 2, 2, 8, 15)];
    expect(shown.map((at) => localTime(at.getTime(), now))).toEqual([
      "08:15:00",
      "Mar 1, 08:15:00",
      "Mar 2, 2027, 08:15:00",
    ]);
  });

  it("show full UTC times, and the singular for one", () => {
    expect(utcTime("2026-03-02T08:15:00.000Z")).toBe("2026-03-02 08:15:00.000 UTC");
    expect([counted(1, "job"), counted(2, "job")]).toEqual(["1 job", "2 jobs"]);
  });
});

describe("addresses and forms", () => {
  it("keep known filters and drop unknown ones", () => {
    const search = searchOfJobs({ status: "failed", reason: "odd", robot: "alpha", q: "", page: 3 });
    expect(search).toEqual({ status: "failed", robot: "alpha" });
    expect(filterOf(search)).toEqual({ status: ["failed"], robot_id: "alpha" });
    expect(isFiltered(searchOfJobs({ nothing: 1 }))).toBe(false);
  });

  it("accept only a JSON object as parameters", () => {
    expect(parametersOf(' {"a": [1]} ')).toEqual({ a: [1] });
    expect(parametersOf("")).toEqual({});
    for (const text of ["[1]", "null", "7", "{", '"x"']) expect(parametersOf(text)).toBeNull();
  });

  it("contain the address and the key of a robot in its command", () => {
    const wheel = { file: "casare_rpa-1.0-py3-none-any.whl", sha256: "ab12" };
    const { unix, here } = commandsFor("https://orchestrator.example", wheel, "alpha", "crpa_x");
    expect(unix).toContain("CASARE_API_KEY=crpa_x casare robot run --url wss://orchestrator.example --robot-id alpha");
    expect(here).toContain("--workflows examples");
    const address = "https://orchestrator.example/wheels/casare_rpa-1.0-py3-none-any.whl#sha256=ab12";
    expect(unix).toContain(`pip install 'casare-rpa[robotframework] @ ${address}'`);
  });
});

describe("a robot's state", () => {
  it("is draining while the robot is connected and drained", () => {
    const draining = { at: "2026-03-02T08:15:00.000Z", by: "admin", reason: null };
    expect(stateOf(robot({ draining }))).toBe("draining");
    expect(stateOf(robot({ draining, status: "offline" }))).toBe("offline");
  });

  it("fades as the last heartbeat gets older", () => {
    const beat = Date.parse("2026-03-02T08:15:00.000Z");
    const seen = robot({ last_heartbeat_at: "2026-03-02T08:15:00.000Z" });
    expect([10, 45, 90, 300].map((seconds) => Math.round(strengthOf(seen, beat + seconds * 1000) * 10) / 10)).toEqual([
      1, 1, 0.4, 0,
    ]);
  });
});

describe("FrameBatch", () => {
  it("delivers the items added before the frame together", () => {
    const frames: (() => void)[] = [];
    const seen: number[][] = [];
    const batch = new FrameBatch<number>(
      (items) => seen.push(items),
      (run) => frames.push(run),
    );
    batch.add(1);
    batch.add(2);
    frames.shift()?.();
    batch.add(3);
    frames.shift()?.();
    expect([seen, frames.length]).toEqual([[[1, 2], [3]], 0]);
  });
});
