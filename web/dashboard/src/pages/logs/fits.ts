import type { LogRow } from "../../api/jobs";
import type { LogSearch } from "./search";

const GRAVITY = { DEBUG: 0, INFO: 1, WARNING: 2, ERROR: 3 } as const;

/** Whether a line that arrived live is one that the search would find. */
export function fits(row: LogRow, search: LogSearch): boolean {
  return (
    (search.robot === undefined || row.robot_id === search.robot) &&
    (search.job === undefined || row.job_id === search.job) &&
    (search.node === undefined || row.node_id === search.node) &&
    GRAVITY[row.level] >= GRAVITY[search.level ?? "DEBUG"] &&
    (search.q === undefined || row.message.toLowerCase().includes(search.q.toLowerCase()))
  );
}
