import { levelRank } from "@casare/client";
import type { LogSearch } from "../../address/logs";
import type { LogRow } from "../../api/jobs";
import { includesText } from "../../texts/matches";

/** Whether a live line matches the filters. The server applies the same filters to stored lines. */
export function fits(row: LogRow, search: LogSearch): boolean {
  return (
    (search.robot === undefined || row.robot_id === search.robot) &&
    (search.job === undefined || row.job_id === search.job) &&
    (search.node === undefined || row.node_id === search.node) &&
    levelRank(row.level) >= levelRank(search.level ?? "DEBUG") &&
    (search.q === undefined || includesText(row.message, search.q))
  );
}
