import { data, type HttpComponents, type LogLine } from "@casare/client";
import type { LogSearch } from "../address/logs";
import type { RangeFields } from "../address/range";
import { session } from "../session/session";
import type { LogRow } from "./jobs";
import { save } from "./save";

const PAGE = 500;
const { http } = session;

/** The begin of a page of log lines and their order; around a line, or after the page that `cursor` is from. */
export interface LogPlace {
  order: "asc" | "desc";
  around?: number;
  cursor?: string;
  limit?: number;
}

export type FoundLogs = HttpComponents["schemas"]["FoundLogs"];

/** A page of matching log lines at `place`. `range` is the time in which they arrived; null for any time. */
export function searchLogs(
  search: LogSearch,
  range: RangeFields | null,
  place: LogPlace,
  signal: AbortSignal,
): Promise<FoundLogs> {
  const query = {
    limit: PAGE,
    ...place,
    ...(search.robot === undefined ? {} : { robot_id: search.robot }),
    ...(search.job === undefined ? {} : { job_id: search.job }),
    ...(search.node === undefined ? {} : { node_id: search.node }),
    ...(search.level === undefined ? {} : { min_level: search.level }),
    ...(search.q === undefined ? {} : { q: search.q }),
    ...(range === null ? {} : { from: range.from, ...(range.to === null ? {} : { to: range.to }) }),
  };
  return data(http.GET("/api/v1/logs", { params: { query }, signal }));
}

/** A live line in the form of a stored line. */
export function rowOf({ logId, ...line }: LogLine): LogRow {
  return {
    ...line,
    log_id: logId,
    job_id: line.job_id ?? null,
    node_id: line.node_id ?? null,
    truncated: line.truncated ?? false,
  };
}

/** Downloads all lines of a job as a file. */
export async function downloadLog(jobId: string): Promise<void> {
  const path = { job_id: jobId };
  const text = await data(http.GET("/api/v1/jobs/{job_id}/logs/download", { params: { path }, parseAs: "text" }));
  save(`${jobId}.log`, text as string);
}

/** Saves the lines of the viewer as a file. */
export function saveLines(name: string, rows: readonly LogRow[]): void {
  save(
    name,
    rows.map((row) => `${row.timestamp} ${row.level} ${row.robot_id} ${row.node_id ?? "-"} ${row.message}\n`).join(""),
  );
}
