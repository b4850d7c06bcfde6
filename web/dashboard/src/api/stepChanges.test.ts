import { describe, expect, it } from "vitest";
import { merged } from "./stepChanges";
import type { JobStep } from "./steps";

const step = (id: number, status = "running") => ({ id, status }) as JobStep;

describe("the steps of a run", () => {
  it("change with a later response, and stay the same object without a change", () => {
    const known = { attempt: 1, items: [step(1), step(2)], total: 2, revision: 1 };
    const done = step(2, "passed");
    expect(merged(known, { ...known, items: [step(3), done], total: 3, revision: 2 }).items).toEqual([
      step(1),
      done,
      step(3),
    ]);
    expect(merged(known, { ...known, items: [] })).toBe(known);
  });
});
