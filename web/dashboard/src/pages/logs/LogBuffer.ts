import type { LogRow } from "../../api/jobs";

/** A number of missing lines. `byRobot`: the robot dropped them; otherwise this viewer did not receive them. */
export interface Gap {
  readonly kind: "gap";
  readonly id: string;
  readonly count: number;
  readonly byRobot: boolean;
}

export interface Line {
  readonly kind: "line";
  readonly id: string;
  readonly row: LogRow;
}

export type Entry = Line | Gap;

export const MOST_ENTRIES = 100_000;

/** Index of the first line at or after `line`, or the number of entries; `exact` if it is that line. */
export function indexFrom(entries: readonly Entry[], line: number): { index: number; exact: boolean } {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    let middle = (low + high) >> 1;
    while (middle > low && entries[middle]?.kind === "gap") middle -= 1;
    const entry = entries[middle];
    if (entry?.kind === "line" && entry.row.log_id >= line) high = middle;
    else if (entry?.kind === "line") low = middle + 1;
    else low = middle + 1; // only gaps between `low` and the middle
  }
  while (entries[low]?.kind === "gap") low += 1;
  const found = entries[low];
  return { index: low, exact: found?.kind === "line" && found.row.log_id === line };
}

const lineOf = (row: LogRow): Line => ({ kind: "line", id: String(row.log_id), row });

/** The lines of a viewer in ascending order, each once. Beyond `most` entries, the entries at the other end are removed. */
export class LogBuffer {
  #entries: Entry[] = [];
  #newest = 0;
  readonly #lastSeq = new Map<string, number>();

  /** @param numbered whether the buffer receives every line of its robots, so that a gap in `seq` is a loss */
  constructor(
    private readonly numbered: boolean,
    private readonly most: number = MOST_ENTRIES,
  ) {}

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** The highest `log_id`; 0 when the buffer is empty. */
  get newest(): number {
    return this.#newest;
  }

  /** The lowest `log_id`; null when the buffer is empty. */
  get oldest(): number | null {
    return this.#entries.find((entry) => entry.kind === "line")?.row.log_id ?? null;
  }

  has(line: number): boolean {
    return indexFrom(this.#entries, line).exact;
  }

  /** Appends live lines. Returns the number of new entries, and of entries removed at the front. */
  append(rows: readonly LogRow[], dropped = 0): { added: number; removed: number } {
    const before = this.#entries.length;
    if (dropped > 0) this.#gap(dropped, false, `dropped before ${rows[0]?.log_id ?? this.#newest + 1}`);
    for (const row of rows) {
      if (row.log_id <= this.#newest) continue;
      this.#checkSeq(row);
      this.#entries.push(lineOf(row));
      this.#newest = row.log_id;
    }
    return this.#trimFront(this.#entries.length - before);
  }

  /** Appends stored lines (oldest first) and skips known ones. Unlike `append`, it does not report gaps in `seq`. */
  extend(rows: readonly LogRow[]): { added: number; removed: number } {
    const newer = rows.filter((row) => row.log_id > this.#newest);
    for (const row of newer) {
      this.#entries.push(lineOf(row));
      this.#lastSeq.set(row.robot_id, row.seq);
      this.#newest = row.log_id;
    }
    return this.#trimFront(newer.length);
  }

  /** Prepends older lines (oldest first) and skips known ones. Returns the new lines, and the entries removed at the end. */
  prepend(rows: readonly LogRow[]): { added: number; removed: number } {
    const first = this.oldest;
    if (first === null) return this.extend(rows);
    const older = rows.filter((row) => row.log_id < first).map(lineOf);
    const all = [...older, ...this.#entries];
    const removed = Math.max(0, all.length - this.most);
    this.#entries = removed > 0 ? all.slice(0, this.most) : all;
    if (removed > 0) {
      this.#newest = this.#entries.findLast((entry) => entry.kind === "line")?.row.log_id ?? 0;
      this.#lastSeq.clear(); // the next line follows after removed ones
    }
    return { added: older.length, removed };
  }

  #trimFront(added: number): { added: number; removed: number } {
    const removed = Math.max(0, this.#entries.length - this.most);
    // A new array each time: React compares by identity.
    this.#entries = removed > 0 ? this.#entries.slice(removed) : this.#entries.slice();
    return { added, removed };
  }

  #checkSeq(row: LogRow): void {
    const last = this.#lastSeq.get(row.robot_id);
    this.#lastSeq.set(row.robot_id, row.seq);
    if (!this.numbered || last === undefined || row.seq <= last + 1) return;
    this.#gap(row.seq - last - 1, true, `robot before ${row.log_id}`);
  }

  #gap(count: number, byRobot: boolean, id: string): void {
    this.#entries.push({ kind: "gap", id, count, byRobot });
  }
}
