import type { Level } from "@casare/client";
import { logTexts } from "../texts/logs";
import { rangeFields, type TimeRange } from "./range";

/** Filters of the log viewer as the page address has them: `/logs?job=job-1&level=ERROR&line=4711`. */
export interface LogSearch {
  robot?: string;
  job?: string;
  node?: string;
  level?: Level;
  q?: string;
  /** When the lines arrived. */
  range?: TimeRange;
  /** `log_id` of the line to show. */
  line?: number;
}

/** Reads the known filters from an address; unknown names and values are ignored. */
export function searchOfLogs(given: Record<string, unknown>): LogSearch {
  const search: LogSearch = {};
  for (const name of ["robot", "job", "node", "q"] as const) {
    const value = given[name];
    if (typeof value === "string" && value !== "") search[name] = value;
  }
  if (typeof given.level === "string" && given.level in logTexts.levels) search.level = given.level as Level;
  if (typeof given.range === "string" && rangeFields(given.range, 0) !== null) search.range = given.range;
  const line = Number(given.line);
  if (Number.isSafeInteger(line) && line > 0) search.line = line;
  return search;
}
