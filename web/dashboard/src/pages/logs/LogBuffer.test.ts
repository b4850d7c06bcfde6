import { describe, expect, it } from "vitest";
import { searchOfLogs } from "../../address/logs";
import type { LogRow } from "../../api/jobs";
import { fits } from "./fits";
import { LogBuffer } from "./LogBuffer";

const row = (logId: number, more: Partial<LogRow> = {}): LogRow => ({
  log_id: logId,
  robot_id: "alpha",
  level: "INFO",
  message: `line ${logId}`,
  timestamp: "2026-03-02T08:15:00.000Z",
  job_id: null,
  node_id: null,
  truncated: false,
  seq: logId,
  ...more,
});
const shown = (buffer: LogBuffer) =>
  buffer.entries.map((entry) =>
    entry.kind === "line" ? entry.row.log_id : `${entry.byRobot ? "robot" : "viewer"} ${entry.count}`,
  );

describe("LogBuffer", () => {
  it("keeps stored and live lines in order, each once", () => {
    const buffer = new LogBuffer(false);
    buffer.prepend([row(5), row(6)]);
    buffer.append([row(6), row(7)]);
    buffer.prepend([row(3), row(4), row(5)]);
    expect(shown(buffer)).toEqual([3, 4, 5, 6, 7]);
  });

  it("shows lines that this viewer missed, and lines that the robot dropped", () => {
    const buffer = new LogBuffer(true);
    buffer.append([row(1), row(2)]);
    buffer.append([row(8, { seq: 3 })], 4);
    buffer.append([row(9, { seq: 10 })]);
    expect(shown(buffer)).toEqual([1, 2, "viewer 4", 8, "robot 6", 9]);
  });

  it("reports no gap in the numbers when the filters select only some lines", () => {
    const buffer = new LogBuffer(false);
    buffer.append([row(1), row(20)]);
    expect(shown(buffer)).toEqual([1, 20]);
  });

  it("is bounded: removes the oldest lines", () => {
    const buffer = new LogBuffer(false, 3);
    expect(buffer.append([row(1), row(2), row(3), row(4)])).toEqual({ added: 4, removed: 1 });
    expect(shown(buffer)).toEqual([2, 3, 4]);
  });
});

describe("a search", () => {
  it("reads the known filters from an address", () => {
    expect(searchOfLogs({ robot: "alpha", level: "LOUD", line: "12", q: "" })).toEqual({ robot: "alpha", line: 12 });
  });

  it("matches the same live lines as the server", () => {
    const line = row(1, { level: "WARNING", message: "Orders: Timeout", job_id: "job-1", node_id: "open" });
    expect(fits(line, {})).toBe(true);
    expect(fits(line, { q: "timeout", level: "WARNING", job: "job-1", node: "open", robot: "alpha" })).toBe(true);
    for (const other of [
      { q: "x" },
      { level: "ERROR" as const },
      { job: "job-2" },
      { node: "close" },
      { robot: "beta" },
    ]) {
      expect(fits(line, other)).toBe(false);
    }
  });
});
