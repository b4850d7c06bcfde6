import type { Level } from "@casare/client";
import { logTexts } from "../../texts/logs";

/** What the address says about the log: `/logs?job=job-1&level=ERROR&line=4711`. */
export interface LogSearch {
  robot?: string;
  job?: string;
  node?: string;
  level?: Level;
  q?: string;
  /** The line that is linked to. */
  line?: number;
}

export function searchOfLogs(given: Record<string, unknown>): LogSearch {
  const search: LogSearch = {};
  for (const name of ["robot", "job", "node", "q"] as const) {
    const value = given[name];
    if (typeof value === "string" && value !== "") search[name] = value;
  }
  if (typeof given.level === "string" && given.level in logTexts.levels) search.level = given.level as Level;
  const line = Number(given.line);
  if (Number.isSafeInteger(line) && line > 0) search.line = line;
  return search;
}
