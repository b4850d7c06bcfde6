import { searchOfCharts } from "./charts";
import type { Recent, TimeRange } from "./range";

/** The failure inbox as its address has it: `/failures?range=7d&show=muted`. */
export interface FailureSearch {
  range?: TimeRange;
  show?: "muted";
}

/** Reads the known parameters from an address; unknown names and values are ignored. */
export function searchOfFailures(given: Record<string, unknown>): FailureSearch {
  return { ...searchOfCharts(given), ...(given.show === "muted" ? { show: "muted" } : {}) };
}

/** The range of the failure inbox without one in the address. */
export const FAILURES_RANGE: Recent = "24h";
