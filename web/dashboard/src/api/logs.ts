import { data, type LogLine } from "@casare/client";
import type { LogSearch } from "../address/logs";
import type { RangeFields } from "../address/range";
import { session } from "../session/session";
import type { LogRow } from "./jobs";
import { save } from "./save";

const PAGE = 500;
const { http } = session;

/** A page of matching log lines, newest first. `range` is the time in which they arrived; null for any time. */
export function searchLogs(search: LogSearch, range: RangeFields | null, cursor: string | null, signal?: AbortSignal) {
  const query = {
    limit: PAGE,
    ...(search.robot === undefined ? {} : { robot_id: search.robot }),
    ...(search.job === undefined ? {} : { job_id: search.job }),
    ...(search.node === undefined ? {} : { node_id: search.node }),
    ...(search.level === undefined ? {} : { min_level: search.level }),
    ...(search.q === undefined ? {} : { q: search.q }),
    ...(range === null ? {} : { from: range.from, ...(range.to === null ? {} : { to: range.to }) }),
    ...(cursor === null ? {} : { cursor }),
  };
  return data(http.GET("/api/v1/logs", { params: { query }, ...(signal === undefined ? {} : { signal }) }));
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
