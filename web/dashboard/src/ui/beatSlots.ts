import type { Beat } from "../api/robots";

/** A part of the time that the heartbeat strip shows. `missed`: no heartbeat arrived. `unknown`: before the first one. */
export type Slot = Beat | "missed" | "unknown";

export const SLOTS = 60;
/** The time between two heartbeats of a robot, and the width of a slot. */
export const SLOT_SECONDS = 30;
/** After this time without a heartbeat, heartbeats were missed. */
export const GAP_SECONDS = 2.5 * SLOT_SECONDS;

/** The heartbeats of the last 30 minutes by time, oldest first: each slot has its newest heartbeat. */
export function slotsOf(beats: readonly Beat[], now: number): Slot[] {
  const slots: Slot[] = Array.from({ length: SLOTS }, () => "unknown");
  const first = beats[0];
  if (first === undefined) return slots;
  const width = SLOT_SECONDS * 1000;
  const start = (Math.floor(now / width) + 1 - SLOTS) * width;
  const begin = Date.parse(first.at);
  let next = 0;
  let last: Beat | undefined;
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const end = start + (slot + 1) * width;
    for (let beat = beats[next]; beat !== undefined && Date.parse(beat.at) < end; beat = beats[++next]) last = beat;
    if (last === undefined || end <= begin) continue;
    // A late heartbeat leaves a slot empty; only a longer time without one is an outage.
    slots[slot] = Math.min(end, now) - Date.parse(last.at) <= GAP_SECONDS * 1000 ? last : "missed";
  }
  return slots;
}

/** The times without a heartbeat, in seconds, and the number of slots they cover. */
export function missedSeconds(slots: readonly Slot[]): number {
  return slots.filter((slot) => slot === "missed").length * SLOT_SECONDS;
}
