import { describe, expect, it } from "vitest";
import { IdempotencyKeys } from "./action";

describe("the idempotency key of an action", () => {
  it("stays the same until the server answers, and changes with the request", () => {
    const keys = new IdempotencyKeys();
    const first = keys.keyFor("a");
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(keys.keyFor("a")).toBe(first);
    expect(keys.keyFor("b")).not.toBe(first);
    const second = keys.keyFor("b");
    keys.answered();
    expect(keys.keyFor("b")).not.toBe(second);
  });
});
