import type { Job, JobEvent } from "../../api/jobs";
import type { JobStep } from "../../api/steps";
import { milliseconds } from "../../texts/format";

export type Phase = "waited" | "offered" | "claimed" | "running";

export interface Span {
  phase: Phase;
  from: number;
  to: number;
}

/** What an entry of the history begins, by its kind. */
const BEGINS: Record<string, Phase> = {
  submitted: "waited",
  offered: "offered",
  claimed: "claimed",
  running: "running",
};

/** How long the current attempt waited, was offered, claimed and ran, in order. `now` is the end of a job that has not ended. */
export function phasesOf(job: Job, events: readonly JobEvent[], now: number): Span[] {
  const begins: { phase: Phase; at: number }[] = [];
  for (const event of events) {
    const phase = BEGINS[event.kind];
    if (phase === undefined || begins.some((one) => one.phase === phase && phase === "waited")) continue;
    if (event.attempt > 0 && event.attempt !== job.attempt) continue;
    begins.push({ phase, at: milliseconds(event.at) });
  }
  const started = job.started_at;
  if (started !== null && !begins.some((one) => one.phase === "running"))
    begins.push({ phase: "running", at: milliseconds(started) });
  const end = job.finished_at === null ? now : milliseconds(job.finished_at);
  return begins.map(({ phase, at }, place) => ({ phase, from: at, to: Math.max(at, begins[place + 1]?.at ?? end) }));
}

export interface StepRow {
  step: JobStep;
  depth: number;
}

/** The steps in the order of their start, each with its depth. */
export function rowsOf(steps: readonly JobStep[]): StepRow[] {
  const depths = new Map<number, number>();
  return steps.map((step) => {
    const depth = step.parent === null ? 0 : (depths.get(step.parent) ?? -1) + 1;
    depths.set(step.id, depth);
    return { step, depth };
  });
}

/** First start and last end of the steps in milliseconds; `now` for steps without an end. */
export function windowOf(steps: readonly JobStep[], now: number): { from: number; to: number } {
  let from = Number.POSITIVE_INFINITY;
  let to = 0;
  for (const step of steps) {
    from = Math.min(from, milliseconds(step.started_at));
    to = Math.max(to, step.ended_at === null ? now : milliseconds(step.ended_at));
  }
  return { from, to: Math.max(from + 1, to) };
}
