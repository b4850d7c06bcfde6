import type { LogRow } from "../../api/jobs";
import { type Entry, indexFrom } from "./LogBuffer";

/** `log_id` of the nearest line before (-1) or after (1) the line `from` that fulfils `wanted`; null if there is none. */
export function nearestLine(
  entries: readonly Entry[],
  from: number,
  direction: 1 | -1,
  wanted: (row: LogRow) => boolean,
): number | null {
  const { index, exact } = indexFrom(entries, from);
  for (let at = direction > 0 && !exact ? index : index + direction; at >= 0 && at < entries.length; at += direction) {
    const entry = entries[at];
    if (entry?.kind === "line" && wanted(entry.row)) return entry.row.log_id;
  }
  return null;
}

/** The lines that contain a text. It remembers the answer of each line, because a log has many and they do not change. */
export class Matches {
  readonly #known = new WeakMap<LogRow, boolean>();

  constructor(private readonly matches: (row: LogRow) => boolean) {}

  has(row: LogRow): boolean {
    const known = this.#known.get(row);
    if (known !== undefined) return known;
    const answer = this.matches(row);
    this.#known.set(row, answer);
    return answer;
  }

  /** The number of matching lines, and the number of `line` among them, from 1; 0 if `line` does not match. */
  count(entries: readonly Entry[], line: number | null): { all: number; current: number } {
    let all = 0;
    let current = 0;
    for (const entry of entries) {
      if (entry.kind !== "line" || !this.has(entry.row)) continue;
      all += 1;
      if (entry.row.log_id === line) current = all;
    }
    return { all, current };
  }
}
