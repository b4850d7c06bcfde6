import { customRange, isRecent, type Recent, rangeFields, type TimeRange } from "./range";

/** Range of the figures and charts of a page as its address has it: `/?range=7d`. */
export interface ChartSearch {
  range?: TimeRange;
}

const MINUTE_MS = 60_000;

/** Reads the range from an address. A custom range gets full minutes, because the server counts by the minute. */
export function searchOfCharts({ range }: Record<string, unknown>): ChartSearch {
  if (typeof range !== "string") return {};
  if (isRecent(range)) return { range };
  const fields = rangeFields(range, 0);
  if (fields === null) return {};
  const from = Math.floor(Date.parse(fields.from) / MINUTE_MS) * MINUTE_MS;
  const to = fields.to === null ? null : Math.ceil(Date.parse(fields.to) / MINUTE_MS) * MINUTE_MS;
  return { range: customRange(from, to) };
}

/** The range of the overview, and of the charts of the queues, without one in the address. */
export const OVERVIEW_RANGE: Recent = "24h";
export const QUEUES_RANGE: Recent = "1h";
