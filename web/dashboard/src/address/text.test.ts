import { describe, expect, it } from "vitest";
import { searchOfJobs } from "./jobs";
import { plainSearch, searchText } from "./text";

describe("a filter in the address", () => {
  it.each(["9007199254740993", "007", "true", "null", '{"a":1}', "a&b=c", "ü #?"])("keeps the text %s", (q) => {
    const address = searchText({ q, robot: undefined });
    expect(searchOfJobs(plainSearch(address))).toEqual({ q });
  });

  it("is absent without a value", () => {
    expect(searchText({ q: undefined })).toBe("");
  });
});
