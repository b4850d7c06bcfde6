import { expect, it } from "vitest";
import { withGaps } from "./gaps";

it("a time without samples is a gap in each line of a chart", () => {
  expect(
    withGaps(
      [0, 60, 240, 300],
      [
        [1, 2, 3, 4],
        [5, null, 7, 8],
      ],
      90,
    ),
  ).toEqual({
    at: [0, 60, 150, 240, 300],
    series: [
      [1, 2, null, 3, 4],
      [5, null, null, 7, 8],
    ],
  });
  expect(withGaps([], [[]], 90)).toEqual({ at: [], series: [[]] });
});
