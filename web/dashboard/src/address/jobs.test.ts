import { describe, expect, it } from "vitest";
import { searchOfCharts } from "./charts";
import { filterOf, isFiltered, searchOfJobs } from "./jobs";
import { customRange, periodOf, rangeFields } from "./range";

const NOON = Date.parse("2026-03-02T12:00:30Z");

describe("the filters of the job list", () => {
  it("has several statuses and reasons, and ignores unknown ones", () => {
    const search = searchOfJobs({ status: "claimed,running,lost", reason: "error,timeout", other: "x" });
    expect(search).toEqual({ status: "claimed,running", reason: "error,timeout" });
    expect(filterOf(search)).toEqual({ status: ["claimed", "running"], reason: ["error", "timeout"] });
    expect(searchOfJobs({ status: "lost" })).toEqual({});
  });

  it("turns a range into times that begin at a full minute", () => {
    const search = searchOfJobs({ ended: "1h", workflow: "w" });
    expect(filterOf(search, NOON)).toEqual({ workflow_id: "w", finished_from: "2026-03-02T11:01:00.000Z" });
  });

  it("has the tenant of a group of failures", () => {
    expect(filterOf(searchOfJobs({ fingerprint: "5f", tenant: "acme" }))).toEqual({
      fingerprint: "5f",
      tenant_id: "acme",
    });
  });

  it("keeps a custom range exactly", () => {
    const created = customRange(Date.parse("2026-03-02T08:00Z"), Date.parse("2026-03-02T09:30:15Z"));
    expect(created).toBe("2026-03-02T08:00Z/2026-03-02T09:30:15Z");
    expect(filterOf(searchOfJobs({ created }), NOON)).toEqual({
      from: "2026-03-02T08:00:00.000Z",
      to: "2026-03-02T09:30:15.000Z",
    });
    expect(rangeFields("2026-03-02T08:00Z/", NOON)).toEqual({ from: "2026-03-02T08:00:00.000Z", to: null });
  });

  it.each(["", "2h", "x/y", "2026-03-02T08:00Z", "2026-03-02T08:00Z/2026-03-02T07:00Z", "toString"])(
    "ignores %s, which is no range",
    (ended) => expect(searchOfJobs({ ended })).toEqual({}),
  );

  it("has no sort by creation with a range of ends, which the server refuses", () => {
    expect(searchOfJobs({ ended: "1h", sort: "created" })).toEqual({ ended: "1h" });
    expect(isFiltered(searchOfJobs({ sort: "created" }))).toBe(false);
    expect(isFiltered(searchOfJobs({ sort: "-finished" }))).toBe(true);
  });
});

describe("the range of the overview", () => {
  it("is a number of minutes, or two times", () => {
    expect(periodOf("7d")).toEqual({ minutes: 10_080 });
    expect(periodOf("2026-03-02T08:00Z/")).toEqual({ from: "2026-03-02T08:00:00.000Z" });
    expect(periodOf("2026-03-02T08:00Z/2026-03-02T09:30Z")).toEqual({
      from: "2026-03-02T08:00:00.000Z",
      to: "2026-03-02T09:30:00.000Z",
    });
  });

  it("has full minutes, by which the server counts", () => {
    expect(searchOfCharts({ range: "2026-03-02T08:00:10Z/2026-03-02T09:30:01Z" })).toEqual({
      range: "2026-03-02T08:00Z/2026-03-02T09:31Z",
    });
    expect(searchOfCharts({ range: "1h" })).toEqual({ range: "1h" });
    expect(searchOfCharts({ range: "2h" })).toEqual({});
  });
});
