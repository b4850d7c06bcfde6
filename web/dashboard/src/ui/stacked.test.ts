import { expect, it } from "vitest";
import { stacked } from "./stacked";

it("each bar begins at the end of the one below it, and a time without values has none", () => {
  const completed = [4, 0, null, null];
  const failed = [1, 2, 3, null];
  expect(stacked([completed, failed])).toEqual([
    [5, 2, 3, null],
    [1, 2, 3, null],
  ]);
  expect(stacked([])).toEqual([]);
});
