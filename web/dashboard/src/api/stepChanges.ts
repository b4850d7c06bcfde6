import type { JobSteps } from "./steps";

/** The known steps with the changed ones of a later response; the known object itself without a change. */
export function merged(known: JobSteps, fresh: JobSteps): JobSteps {
  if (fresh.revision === known.revision) return known;
  const byId = new Map(known.items.map((step) => [step.id, step]));
  for (const step of fresh.items) byId.set(step.id, step);
  return { ...fresh, items: [...byId.values()].sort((a, b) => a.id - b.id) };
}
