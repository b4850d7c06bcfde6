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
  const at = (seq: number, epoch = "e") => ({ epoch, seq });
  const update = (name: string, seq?: number): Told<string> => ({
    kind: "update",
    update: name,
    position: seq === undefined ? null : at(seq),
  });

  function played(...told: Told<string>[]) {
    const seen: string[] = [];
    const sequence = new Sequence<string>({
      snapshot: (updates) => seen.push(`[${updates.join()}]`),
      update: (one) => seen.push(one),
      gap: () => seen.push("gap"),
    });
    for (const one of told) sequence.take(one);
    return { seen, sequence };
  }
  const snapshot: Told<string>[] = [
    { kind: "subscribed", recovered: false, position: at(5) },
    update("a"),
    update("b"),
    { kind: "snapshot_end", position: at(5) },
  ];

  it("is a snapshot at once, then each change", () => {
    const { seen, sequence } = played(...snapshot, update("c", 6), update("d", 7));
    expect(seen).toEqual(["[a,b]", "c", "d"]);
    expect(sequence.position).toEqual(at(7));
  });

  it("tells nothing twice, and state without a number as it comes", () => {
    expect(played(...snapshot, update("c", 6), update("c", 6), update("progress"), update("old", 4)).seen).toEqual([
      "[a,b]",
      "c",
      "progress",
    ]);
  });

  it("notices what was left out, and keeps the position before it", () => {
    const { seen, sequence } = played(...snapshot, update("e", 8));
    expect(seen).toEqual(["[a,b]", "gap"]);
    expect(sequence.position).toEqual(at(5));
  });

  it("forgets a snapshot that was cut off", () => {
    const { seen, sequence } = played(snapshot[0] as Told<string>, update("half"));
    sequence.begin();
    for (const one of snapshot) sequence.take(one);
    expect(seen).toEqual(["[a,b]"]);
  });
});
