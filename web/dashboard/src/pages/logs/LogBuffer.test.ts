import { describe, expect, it } from "vitest";
import { contextOf, searchOfLogs } from "../../address/logs";
import type { LogRow } from "../../api/jobs";
import { fits } from "./fits";
import { indexFrom, LogBuffer } from "./LogBuffer";

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
    buffer.extend([row(5), row(6)]);
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

  it("is bounded: removes lines at the other end", () => {
    const buffer = new LogBuffer(true, 3);
    expect(buffer.append([row(1), row(2), row(3), row(4)])).toEqual({ added: 4, removed: 1 });
    expect(shown(buffer)).toEqual([2, 3, 4]);
    expect(buffer.prepend([row(0), row(1), row(2)])).toEqual({ added: 2, removed: 2 });
    expect([shown(buffer), buffer.oldest, buffer.newest]).toEqual([[0, 1, 2], 0, 2]);
    expect(buffer.extend([row(2), row(3), row(9)])).toEqual({ added: 2, removed: 2 });
    expect(shown(buffer)).toEqual([2, 3, 9]);
  });

  it("finds a line by its id, also between gaps", () => {
    const buffer = new LogBuffer(true);
    buffer.append([row(1), row(4)], 3);
    buffer.append([row(8)], 2);
    for (const id of [1, 4, 8]) expect([id, buffer.has(id)]).toEqual([id, true]);
    for (const id of [0, 2, 5, 9]) expect([id, buffer.has(id)]).toEqual([id, false]);
    for (const [from, line] of [
      [0, 1],
      [1, 1],
      [2, 4],
      [5, 8],
    ] as const) {
      const found = buffer.entries[indexFrom(buffer.entries, from).index];
      expect([from, found?.id]).toEqual([from, String(line)]);
    }
    expect(indexFrom(buffer.entries, 9)).toEqual({ index: buffer.entries.length, exact: false });
    expect(indexFrom([], 1)).toEqual({ index: 0, exact: false });
  });
});

describe("a search", () => {
  it("reads the known filters from an address", () => {
    expect(searchOfLogs({ robot: "alpha", level: "LOUD", line: "12", q: "" })).toEqual({ robot: "alpha", line: 12 });
    expect(searchOfLogs({ line: "first", find: "x" })).toEqual({ line: "first", find: "x" });
    expect(searchOfLogs({ line: "-1", q: "a", find: "b" })).toEqual({ q: "a" });
  });

  it("gives way to the lines around a line, in the same job or robot, with the text marked", () => {
    const line = row(7, { job_id: "job-1" });
    const hidden = { q: "x", level: "ERROR", node: "n", range: "1h" } as const;
    expect(contextOf(hidden, line)).toEqual({ job: "job-1", find: "x", line: 7 });
    expect(contextOf({ ...hidden, robot: "beta" }, line)).toEqual({ robot: "beta", find: "x", line: 7 });
    expect(contextOf({ level: "ERROR" }, row(8))).toEqual({ robot: "alpha", line: 8 });
    expect(contextOf({ find: "y", level: "ERROR", job: "job-2" }, line)).toEqual({ job: "job-2", find: "y", line: 7 });
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
