import { describe, expect, it } from "vitest";
import type { Beat } from "../api/robots";
import { missedSeconds, SLOTS, slotsOf } from "./beatSlots";

const NOW = Date.parse("2026-03-02T10:00:00Z");
const beat = (secondsAgo: number): Beat => ({
  at: new Date(NOW - secondsAgo * 1000).toISOString(),
  status: "idle",
  cpu_percent: 10,
  memory_mb: 100,
});
const every = (seconds: number, from: number, to: number) => {
  const beats: Beat[] = [];
  for (let ago = from; ago >= to; ago -= seconds) beats.push(beat(ago));
  return beats;
};
const drawn = (beats: readonly Beat[]) =>
  slotsOf(beats, NOW)
    .map((slot) => (slot === "missed" ? "_" : slot === "unknown" ? "." : "|"))
    .join("");

describe("the heartbeat strip", () => {
  it("has a slot for each half minute of the last 30 minutes", () => {
    expect(drawn([])).toBe(".".repeat(SLOTS));
    expect(drawn(every(30, 2000, 5))).toBe("|".repeat(SLOTS));
    expect(drawn(every(30, 290, 5))).toMatch(/^\.{49,50}\|{10,11}$/);
  });

  it("shows late and additional heartbeats without a gap", () => {
    expect(drawn(every(44, 2000, 5))).not.toContain("_");
    expect(drawn(every(7, 2000, 5))).not.toContain("_");
  });

  it("shows an outage of 150 s as a gap of its length", () => {
    const strip = drawn([...every(30, 2000, 605), ...every(30, 455, 5)]);
    expect(strip).toMatch(/^\|+_{2,4}\|+$/);
    expect(missedSeconds(slotsOf([...every(30, 2000, 605)], NOW))).toBeGreaterThan(500);
  });

  it("shows an outage that lasts until now", () => {
    expect(drawn(every(30, 2000, 200))).toMatch(/^\|+_{4,6}$/);
  });
});
