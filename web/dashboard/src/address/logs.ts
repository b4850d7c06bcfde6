import type { Level } from "@casare/client";
import { logTexts } from "../texts/logs";
import { changed } from "./change";
import { rangeFields, type TimeRange } from "./range";

/** Filters of the log viewer as the page address has them: `/logs?job=job-1&level=ERROR&line=4711`. */
export interface LogSearch {
  robot?: string;
  job?: string;
  node?: string;
  level?: Level;
  q?: string;
  /** Text that is marked in the lines, without hiding the others. Not together with `q`. */
  find?: string;
  /** When the lines arrived. */
  range?: TimeRange;
  /** `log_id` of the line to show, or the first line. */
  line?: number | "first";
}

/** Reads the known filters from an address; unknown names and values are ignored. */
export function searchOfLogs(given: Record<string, unknown>): LogSearch {
  const search: LogSearch = {};
  for (const name of ["robot", "job", "node", "q", "find"] as const) {
    const value = given[name];
    if (typeof value === "string" && value !== "") search[name] = value;
  }
  if (typeof given.level === "string" && given.level in logTexts.levels) search.level = given.level as Level;
  if (typeof given.range === "string" && rangeFields(given.range, 0) !== null) search.range = given.range;
  if (search.q !== undefined) delete search.find;
  const line = Number(given.line);
  if (Number.isSafeInteger(line) && line > 0) search.line = line;
  else if (given.line === "first") search.line = "first";
  return search;
}

/** The text that is marked in the lines. */
export const textOf = (search: LogSearch): string | undefined => search.q ?? search.find;

/** Whether lines are hidden. */
export const hides = ({ q, level, node }: LogSearch): boolean =>
  [q, level, node].some((filter) => filter !== undefined);

/** Whether lines of the job, of the robot or of all robots are left out. */
export const leavesOut = (search: LogSearch): boolean => hides(search) || search.range !== undefined;

/** The same log without the filters that leave lines out. */
export const subjectOf = ({ robot, job, find }: LogSearch): LogSearch => changed<LogSearch>({}, { robot, job, find });

/** The log of the same job or robot around a line, without filters that hide lines; the searched text stays marked. */
export function contextOf(
  search: LogSearch,
  row: { log_id: number; robot_id: string; job_id: string | null },
): LogSearch {
  const { robot, job } = search;
  const own = row.job_id === null ? { robot: row.robot_id } : { job: row.job_id };
  const subject = robot === undefined && job === undefined ? own : { robot, job };
  return changed<LogSearch>({}, { ...subject, find: textOf(search), line: row.log_id });
}
