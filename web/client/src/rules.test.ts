import { describe, expect, it } from "vitest";
import { backoffMs } from "./backoff.js";
import { closeRule } from "./closeCodes.js";
import { errorOf } from "./errors.js";
import { Sequence, type SequenceMessage } from "./sequence.js";

describe("backoff", () => {
  it("is random below a limit that doubles up to 30 s", () => {
    expect([0, 1, 2, 10, 1000].map((attempt) => backoffMs(attempt, 0.999_999))).toEqual(
      [500, 1000, 2000, 30_000, 30_000].map((limit) => limit * 0.999_999),
    );
    expect(backoffMs(7, 0)).toBe(0);
  });
});

describe("close codes", () => {
  it("follow the table of the contract; unknown codes allow a reconnect", () => {
    expect(closeRule(4001).reconnect).toBe("no");
    expect(closeRule(4002).reconnect).toBe("yes");
    expect(closeRule(4004).reconnect).toBe("slowly");
    expect(closeRule(4009).reconnect).toBe("slowly");
    expect(closeRule(1006)).toEqual({ reconnect: "yes", meaning: "the connection was lost" });
  });
});

describe("errors", () => {
  it("have the message of the server, or a default message", () => {
    const payload = { code: "RATE_LIMITED", message: "too many logins", retry_after_ms: 1200 };
    expect(errorOf(429, { type: "error", payload })).toMatchObject({
      message: "too many logins",
      retryAfterMs: 1200,
      status: 429,
    });
    expect(errorOf(502, "<html>")).toMatchObject({ code: "INTERNAL_ERROR", message: "the server answered 502" });
  });
});

describe("a numbered sequence", () => {
  type Job = { job_id: string; status: string };
  const at = (seq: number, epoch = "e") => ({ epoch, seq });
  const update = (job_id: string, status: string, seq?: number): SequenceMessage<Job> => ({
    kind: "update",
    update: { job_id, status },
    position: seq === undefined ? null : at(seq),
  });

  function played(...messages: SequenceMessage<Job>[]) {
    const seen: string[] = [];
    const said = ({ job_id, status }: Job) => `${job_id} ${status}`;
    const sequence = new Sequence<Job>({
      snapshot: (updates) => seen.push(`[${updates.map(said).join()}]`),
      update: (one) => seen.push(said(one)),
      gap: () => seen.push("gap"),
    });
    for (const one of messages) sequence.apply(one);
    return { seen, sequence };
  }
  const begin: SequenceMessage<Job> = { kind: "subscribed", recovered: false, position: at(5) };
  const end = (seq: number): SequenceMessage<Job> => ({ kind: "snapshot_end", position: at(seq) });
  const snapshot = [begin, update("a", "pending"), update("b", "running"), end(5)];

  it("delivers the snapshot, then each change", () => {
    const { seen, sequence } = played(...snapshot, update("a", "claimed", 6), update("b", "failed", 7));
    expect(seen).toEqual(["[a pending,b running]", "a claimed", "b failed"]);
    expect(sequence.position).toEqual(at(7));
  });

  it("skips repeated numbers, and passes on updates without a number", () => {
    const once = update("a", "claimed", 6);
    const { seen } = played(...snapshot, once, once, update("a", "claimed"), update("b", "running", 4));
    expect(seen).toEqual(["[a pending,b running]", "a claimed", "a claimed"]);
  });

  it("delivers each job of a snapshot once with its newest state, and a job that ended meanwhile as a change", () => {
    const meanwhile = [update("b", "completed", 6), update("a", "claimed", 7)];
    const { seen, sequence } = played(...snapshot.slice(0, 3), ...meanwhile, end(7), update("a", "running", 8));
    expect(seen).toEqual(["[a claimed]", "b completed", "a running"]);
    expect(sequence.position).toEqual(at(8));
  });

  it("reports a missing number and another epoch, and keeps its position", () => {
    const { seen, sequence } = played(...snapshot, update("a", "running", 8), {
      kind: "update",
      update: { job_id: "a", status: "running" },
      position: at(6, "other"),
    });
    expect(seen).toEqual(["[a pending,b running]", "gap", "gap"]);
    expect(sequence.position).toEqual(at(5));
  });

  it("discards an incomplete snapshot", () => {
    const { seen, sequence } = played(begin, update("half", "pending"));
    sequence.begin();
    for (const one of snapshot) sequence.apply(one);
    expect(seen).toEqual(["[a pending,b running]"]);
  });
});
