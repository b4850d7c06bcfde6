import { CasareError } from "@casare/client";
import { describe, expect, it } from "vitest";
import type { LogRow } from "../../api/jobs";
import type { FoundLogs, LogPlace } from "../../api/logs";
import { EMPTY, type LogState, LogWindow } from "./LogWindow";
import { Matches, nearestLine } from "./lines";

const PAGE = 4;

function row(logId: number, level: LogRow["level"] = "INFO"): LogRow {
  const about = { robot_id: "alpha", job_id: null, node_id: null, truncated: false, seq: logId };
  return { ...about, log_id: logId, level, message: `line ${logId}`, timestamp: "2026-03-02T08:15:00.000Z" };
}

/** A log with a viewer. It answers as the server does: pages of four lines in both orders, around a line, with cursors. */
class Log {
  lines: LogRow[] = [];
  readonly asked: LogPlace[] = [];
  state: LogState = EMPTY;
  /** Called before an answer. */
  meanwhile: () => void = () => undefined;
  readonly window: LogWindow;

  constructor(count: number, most?: number) {
    this.write(count);
    this.window = new LogWindow({
      search: (place) => this.answer(place),
      fits: () => true,
      numbered: true,
      show: (state) => {
        this.state = state;
      },
      ...(most === undefined ? {} : { most }),
    });
  }

  write(count: number): void {
    for (let more = 0; more < count; more++) this.lines.push(row(this.lines.length + 1));
  }

  /** Writes lines that the viewer receives live. */
  live(count: number): void {
    const from = this.lines.length;
    this.write(count);
    this.window.receive(this.lines.slice(from).map((one) => ({ row: one })));
  }

  async answer(place: LogPlace, wanted: (row: LogRow) => boolean = () => true): Promise<FoundLogs> {
    this.asked.push(place);
    const limit = place.limit ?? PAGE;
    const ids = this.lines.filter(wanted).map((line) => line.log_id);
    const { around, cursor, order } = place;
    if (around !== undefined && this.lines[around - 1] === undefined)
      throw new CasareError("no such line", "NOT_FOUND" as never, 404);
    const newer = (from: number, most: number) => ids.filter((id) => id >= from).slice(0, most);
    const older = (before: number, most: number) => ids.filter((id) => id < before).slice(-most);
    const at = cursor === undefined ? undefined : Number(cursor);
    const chosen =
      around !== undefined
        ? [...older(around, limit / 2), ...newer(around, limit / 2)]
        : order === "asc"
          ? newer((at ?? 0) + 1, limit)
          : older(at ?? Number.POSITIVE_INFINITY, limit);
    const first = chosen[0] ?? around ?? at ?? 0;
    const last = chosen.at(-1) ?? around ?? at ?? 0;
    const after = ids.some((id) => id > last) ? String(last) : null;
    const before = ids.some((id) => id < first) ? String(first) : null;
    this.meanwhile();
    const items = chosen.map((id) => this.lines[id - 1] as LogRow);
    return {
      items: order === "asc" ? items : items.reverse(),
      next_cursor: order === "asc" ? after : before,
      previous_cursor: around === undefined ? null : order === "asc" ? before : after,
      scanned_to: null,
    };
  }

  get shown(): number[] {
    return this.state.entries.map((entry) => (entry.kind === "line" ? entry.row.log_id : Number.NaN));
  }
}

describe("a log", () => {
  it("opens at its first line, at its end, or around a line, in one request each", async () => {
    const log = new Log(20);
    await log.window.goTo("end");
    expect([log.shown, log.state.older, log.state.newer]).toEqual([[17, 18, 19, 20], true, false]);
    await log.window.goTo("first");
    expect([log.shown, log.state.older, log.state.newer]).toEqual([[1, 2, 3, 4], false, true]);
    await log.window.goTo(10);
    expect([log.shown, log.state.older, log.state.newer]).toEqual([[8, 9, 10, 11], true, true]);
    expect(log.asked).toHaveLength(3);
    expect(log.state.opened).toEqual({ at: 10, times: 3 });
  });

  it("does not load a place again that is loaded", async () => {
    const log = new Log(20);
    await log.window.goTo(10);
    await log.window.goTo(9);
    await log.window.goTo(11);
    expect(log.asked).toHaveLength(1);
    const both = [log.window.goTo("first"), log.window.goTo("first")];
    await Promise.all(both);
    expect(log.asked).toHaveLength(2);
    await log.window.goTo("first");
    expect(log.asked).toHaveLength(2);
  });

  it("is loaded in both directions without a gap, and then continues with live lines", async () => {
    const log = new Log(12);
    await log.window.goTo(6);
    log.live(1);
    expect([log.shown, log.state.arrived]).toEqual([[4, 5, 6, 7], 1]);
    await log.window.loadOlder();
    expect([log.shown.at(0), log.state.older]).toEqual([1, false]);
    await log.window.loadNewer();
    // A line that is stored during the last request is in the answer, arrives live, or both.
    log.meanwhile = () => {
      log.meanwhile = () => undefined;
      log.live(2);
    };
    await log.window.loadNewer();
    log.live(1);
    expect(log.state.newer).toBe(false);
    expect(log.shown).toEqual(log.lines.map((line) => line.log_id));
    expect(log.lines).toHaveLength(16);
  });

  it("loads the lines that were stored before its stream connected", async () => {
    for (const [before, missed] of [
      [0, 2],
      [8, 3],
    ] as const) {
      const log = new Log(before);
      await log.window.goTo("end");
      log.write(missed);
      await log.window.connected();
      log.live(1);
      expect(log.shown.slice(-missed - 1)).toEqual(log.lines.slice(-missed - 1).map((line) => line.log_id));
      const asked = log.asked.length;
      await log.window.goTo("end");
      expect(log.asked).toHaveLength(asked);
    }
  });

  it("holds a limited number of lines, and loads the removed ones again", async () => {
    const log = new Log(20, 6);
    await log.window.goTo("end");
    await log.window.loadOlder();
    expect([log.shown, log.state.newer]).toEqual([[13, 14, 15, 16, 17, 18], true]);
    log.live(1);
    while (log.state.newer) await log.window.loadNewer();
    expect([log.shown, log.state.older]).toEqual([[16, 17, 18, 19, 20, 21], true]);
    log.live(2);
    expect(log.shown).toEqual([18, 19, 20, 21, 22, 23]);
    await log.window.loadOlder();
    expect(log.shown).toEqual([16, 17, 18, 19, 20, 21]);
    while (log.state.older) await log.window.loadOlder();
    expect(log.shown).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("names a line that is not stored, and shows its end instead", async () => {
    const log = new Log(5);
    await log.window.goTo(99);
    expect([log.state.missing, log.state.error, log.shown]).toEqual([99, null, [2, 3, 4, 5]]);
    await log.window.goTo("first");
    expect(log.state.missing).toBe(null);
  });

  it("opens at the same place when a failed request is repeated", async () => {
    const log = new Log(9);
    log.meanwhile = () => {
      log.meanwhile = () => undefined;
      throw new Error("not now");
    };
    await log.window.goTo("first");
    expect([log.state.error?.message, log.shown]).toEqual(["not now", []]);
    await log.window.loadOlder();
    expect([log.state.error, log.shown]).toEqual([null, [1, 2, 3, 4]]);
  });

  it("ignores the answer to a request for a place that was left", async () => {
    const log = new Log(20);
    const left = log.window.goTo("end");
    await log.window.goTo("first");
    await left;
    expect(log.shown).toEqual([1, 2, 3, 4]);
    expect([log.state.loading, log.state.error]).toEqual([false, null]);
  });

  it("finds the nearest line that fulfils a condition: a loaded one, or else a stored one", async () => {
    const log = new Log(40);
    await log.window.goTo(21);
    const wanted = (one: LogRow) => [2, 15, 20, 22, 35].includes(one.log_id);
    const nearest = (line: number, direction: 1 | -1) =>
      log.window.nearest(line, direction, wanted, (place) => log.answer(place, wanted));
    expect([await nearest(18, 1), await nearest(20, 1), await nearest(22, -1)]).toEqual([20, 22, 20]);
    expect(log.asked).toHaveLength(1);
    expect([await nearest(22, 1), await nearest(35, 1), await nearest(3, 1)]).toEqual([35, null, 15]);
    expect([await nearest(20, -1), await nearest(15, -1), await nearest(2, -1)]).toEqual([15, 2, null]);
    await log.window.goTo("end");
    const asked = log.asked.length;
    expect([await nearest(40, 1), log.asked.length]).toEqual([null, asked]);
  });
});

describe("the lines of a log", () => {
  const entries = [1, 3, 5, 8].map((id) => ({ kind: "line" as const, id: String(id), row: row(id) }));

  it("are passed from a line to the next and to the one before", () => {
    const any = () => true;
    expect([0, 1, 2, 8, 9].map((from) => nearestLine(entries, from, 1, any))).toEqual([1, 3, 3, null, null]);
    expect([0, 1, 2, 8, 9].map((from) => nearestLine(entries, from, -1, any))).toEqual([null, null, 1, 5, 8]);
    expect(nearestLine(entries, 1, 1, (one) => one.log_id > 4)).toBe(5);
  });

  it("are counted when they match, each asked once", () => {
    let asked = 0;
    const matches = new Matches((one) => {
      asked += 1;
      return one.log_id > 2;
    });
    expect(matches.count(entries, 5)).toEqual({ all: 3, current: 2 });
    expect(matches.count(entries, 1)).toEqual({ all: 3, current: 0 });
    expect(matches.count([], null)).toEqual({ all: 0, current: 0 });
    expect(asked).toBe(4);
  });
});
