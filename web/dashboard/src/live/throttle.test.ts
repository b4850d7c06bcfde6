import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Throttle } from "./frames";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("acts at once, and then once for all marks of a pause", () => {
  const act = vi.fn();
  const throttle = new Throttle(1000, act);
  throttle.mark();
  expect(act).toHaveBeenCalledTimes(1);
  throttle.mark();
  throttle.mark();
  vi.advanceTimersByTime(999);
  expect(act).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1);
  expect(act).toHaveBeenCalledTimes(2);
  vi.advanceTimersByTime(5000);
  throttle.mark();
  expect(act).toHaveBeenCalledTimes(3);
});
