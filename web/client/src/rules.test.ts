import { describe, expect, it } from "vitest";
import { backoffMs } from "./backoff.js";
import { closeRule } from "./closeCodes.js";
import { errorOf } from "./errors.js";
import { Sequence, type Told } from "./sequence.js";

describe("backoff", () => {
  it("doubles its limit up to half a minute, and takes any part of it", () => {
    expect([0, 1, 2, 10, 1000].map((attempt) => backoffMs(attempt, 0.999_999))).toEqual(
      [500, 1000, 2000, 30_000, 30_000].map((limit) => limit * 0.999_999),
    );
    expect(backoffMs(7, 0)).toBe(0);
  });
});

describe("close codes", () => {
  it("follow the table of the contract, and unknown ones mean to try again", () => {
    expect(closeRule(4001).reconnect).toBe("no");
    expect(closeRule(4002).reconnect).toBe("yes");
    expect(closeRule(4009).reconnect).toBe("slowly");
    expect(closeRule(1006)).toEqual({ reconnect: "yes", meaning: "the connection was lost" });
  });
});

describe("errors", () => {
  it("carry the server's sentence, and one of their own where it said none", () => {
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
  const update = (job_id: string, status: string, seq?: number): Told<Job> => ({
    kind: "update",
    update: { job_id, status },
    position: seq === undefined ? null : at(seq),
  });

  function played(...told: Told<Job>[]) {
    const seen: string[] = [];
    const said = ({ job_id, status }: Job) => `${job_id} ${status}`;
    const sequence = new Sequence<Job>({
      snapshot: (updates) => seen.push(`[${updates.map(said).join()}]`),
      update: (one) => seen.push(said(one)),
      gap: () => seen.push("gap"),
    });
    for (const one of told) sequence.take(one);
    return { seen, sequence };
  }
  const begin: Told<Job> = { kind: "subscribed", recovered: false, position: at(5) };
  const end = (seq: number): Told<Job> => ({ kind: "snapshot_end", position: at(seq) });
  const snapshot = [begin, update("a", "pending"), update("b", "running"), end(5)];

  it("is a snapshot at once, then each change", () => {
    const { seen, sequence } = played(...snapshot, update("a", "claimed", 6), update("b", "failed", 7));
    expect(seen).toEqual(["[a pending,b running]", "a claimed", "b failed"]);
    expect(sequence.position).toEqual(at(7));
  });

  it("tells nothing twice, and state without a number as it comes", () => {
    const once = update("a", "claimed", 6);
    const { seen } = played(...snapshot, once, once, update("a", "claimed"), update("b", "running", 4));
    expect(seen).toEqual(["[a pending,b running]", "a claimed", "a claimed"]);
  });

  it("shows each job of a snapshot once and as it is, and what ended meanwhile as a change", () => {
    const meanwhile = [update("b", "completed", 6), update("a", "claimed", 7)];
    const { seen, sequence } = played(...snapshot.slice(0, 3), ...meanwhile, end(7), update("a", "running", 8));
    expect(seen).toEqual(["[a claimed]", "b completed", "a running"]);
    expect(sequence.position).toEqual(at(8));
  });

  it("notices what was left out, and another epoch, and keeps the position before it", () => {
    const { seen, sequence } = played(...snapshot, update("a", "running", 8), {
      kind: "update",
      update: { job_id: "a", status: "running" },
      position: at(6, "other"),
    });
    expect(seen).toEqual(["[a pending,b running]", "gap", "gap"]);
    expect(sequence.position).toEqual(at(5));
  });

  it("forgets a snapshot that was cut off", () => {
    const { seen, sequence } = played(begin, update("half", "pending"));
    sequence.begin();
    for (const one of snapshot) sequence.take(one);
    expect(seen).toEqual(["[a pending,b running]"]);
  });
});
