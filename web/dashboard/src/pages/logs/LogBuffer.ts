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

const lineOf = (row: LogRow): Line => ({ kind: "line", id: String(row.log_id), row });

/** The lines of a viewer in ascending order, each once. Beyond `most` entries the oldest are removed. */
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
    const added = this.#entries.length - before;
    const removed = Math.max(0, this.#entries.length - this.most);
    // A new array each time: React compares by identity.
    this.#entries = removed > 0 ? this.#entries.slice(removed) : this.#entries.slice();
    return { added, removed };
  }

  /** Prepends older lines (oldest first) and skips known ones. Returns the number of new lines. */
  prepend(rows: readonly LogRow[]): number {
    const first = this.#entries.find((entry) => entry.kind === "line")?.row.log_id ?? Number.POSITIVE_INFINITY;
    const older = rows.filter((row) => row.log_id < first).map(lineOf);
    this.#entries = [...older, ...this.#entries];
    const newest = rows.at(-1);
    if (newest !== undefined) {
      this.#newest = Math.max(this.#newest, newest.log_id);
      if (first === Number.POSITIVE_INFINITY) this.#lastSeq.set(newest.robot_id, newest.seq);
    }
    return older.length;
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
