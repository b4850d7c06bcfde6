import { describe, expect, it } from "vitest";
import { sortBy, sorted, sortOf } from "./sort";

const ROWS = [
  { id: "desk-10", load: 3 },
  { id: "desk-9", load: null },
  { id: "desk-2", load: 20 },
];
const VALUES = { id: (row: (typeof ROWS)[number]) => row.id, load: (row: (typeof ROWS)[number]) => row.load };
const order = (sort?: string) => sorted(ROWS, sort, VALUES).map((row) => row.id);

describe("the order of a list", () => {
  it("is that of a column in both directions, with rows without a value at the end", () => {
    expect(order("id")).toEqual(["desk-2", "desk-9", "desk-10"]);
    expect(order("-id")).toEqual(["desk-10", "desk-9", "desk-2"]);
    expect(order("load")).toEqual(["desk-10", "desk-2", "desk-9"]);
    expect(order("-load")).toEqual(["desk-2", "desk-10", "desk-9"]);
    expect(order()).toEqual(ROWS.map((row) => row.id));
  });

  it("is read from the address and written to it", () => {
    expect(sortOf("-load", Object.keys(VALUES))).toBe("-load");
    expect(sortOf("toString", Object.keys(VALUES))).toBeUndefined();
    expect(sortBy("load", true)).toBe("-load");
    expect(sortBy("load", false)).toBe("load");
  });
});
