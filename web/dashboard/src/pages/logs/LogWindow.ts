import { asError, CasareError } from "@casare/client";
import type { LogRow } from "../../api/jobs";
import type { FoundLogs, LogPlace } from "../../api/logs";
import { type Entry, LogBuffer } from "./LogBuffer";
import { nearestLine } from "./lines";

/** Where to open a log: at its newest lines, at its first line, or around the line with this `log_id`. */
export type Place = "end" | "first" | number;

/** A live line, or the number of lines that this viewer did not receive. */
export type Live = { row: LogRow } | { dropped: number };

export interface LogState {
  entries: readonly Entry[];
  /** Number of lines that arrived live; used for "N new lines". */
  arrived: number;
  /** Older stored lines remain to be loaded or searched. */
  older: boolean;
  /** Newer stored lines remain. While they do, live lines are counted and not shown. */
  newer: boolean;
  loading: boolean;
  error: Error | null;
  /** When stored lines were last loaded, in milliseconds since 1970; 0 before. */
  loadedAt: number;
  /** The place that `entries` was opened at, and how many places were opened before. */
  opened: { at: Place; times: number };
  /** A line that was to be shown and is not stored; null if there is none. */
  missing: number | null;
}

export const EMPTY: LogState = {
  entries: [],
  arrived: 0,
  older: false,
  newer: false,
  loading: true,
  error: null,
  loadedAt: 0,
  opened: { at: "end", times: 0 },
  missing: null,
};

interface Source {
  /** Stored lines that match the filters. */
  search: (place: LogPlace, signal: AbortSignal) => Promise<FoundLogs>;
  /** Whether a live line matches the filters. */
  fits: (row: LogRow) => boolean;
  /** Whether every line of one robot is received, so that a gap in `seq` is a loss. */
  numbered: boolean;
  /** Called after each change. */
  show: (state: LogState) => void;
  /** The most entries that are held. */
  most?: number;
}

const NOT_FOUND = 404;

/** A part of a log, without a gap inside: stored lines, loaded in both directions, and live lines once the end is reached. */
export class LogWindow {
  readonly #source: Source;
  #state: LogState = EMPTY;
  #buffer: LogBuffer;
  #older: LogPlace | null = null;
  #newer: LogPlace | null = null;
  #requests = new AbortController();
  #opening: Place | null = null;
  #wanted: Place = "end";
  /** Live lines that arrive during a request that can reach the end; null without such a request. */
  #early: Live[] | null = null;
  /** The stream has connected after the last request that reached the end, so that lines between can be missing. */
  #behind = false;

  constructor(source: Source) {
    this.#source = source;
    this.#buffer = this.#empty();
  }

  /** Opens the log at `place`, unless the lines there are loaded. Shown lines stay until the new ones arrive. */
  async goTo(place: Place): Promise<void> {
    if (this.#opening === place) return;
    if (this.#state.opened.times > 0 && this.#opening === null && this.#reaches(place)) return;
    await this.#open(place);
  }

  /** Opens the log again if that failed before; otherwise loads the next older lines. */
  async loadOlder(): Promise<void> {
    if (this.#state.loading) return;
    if (this.#state.opened.times === 0) return this.#open(this.#wanted);
    const from = this.#older;
    if (from === null) return;
    await this.#request(from, (found) => {
      const { removed } = this.#buffer.prepend(ascending(found, from));
      this.#older = from.around === undefined ? next(found, "desc") : previous(found, "desc");
      if (removed > 0) this.#newer = around(this.#buffer.newest);
    });
  }

  /** Loads the next newer lines, if there are any. */
  async loadNewer(): Promise<void> {
    const from = this.#newer;
    if (this.#state.loading || from === null) return;
    await this.#request(from, (found) => this.#extend(found, from));
  }

  /** Takes lines of the stream. */
  receive(items: readonly Live[]): void {
    if (this.#early !== null) {
      this.#early.push(...items);
      return;
    }
    const dropped = items.reduce((sum, item) => sum + ("dropped" in item ? item.dropped : 0), 0);
    const rows = items.flatMap((item) => ("row" in item && this.#source.fits(item.row) ? [item.row] : []));
    if (rows.length === 0 && dropped === 0) return;
    const added = this.#newer === null ? this.#append(rows, dropped) : rows.length;
    this.#show({ arrived: this.#state.arrived + added });
  }

  /** The stream has connected for the first time: lines that were stored since the first request are loaded. */
  async connected(): Promise<void> {
    this.#behind = true;
    await this.#catchUp();
  }

  /** The nearest line before (-1) or after (1) `line`, loaded or stored; null if there is none.
   *
   * @param wanted selects among loaded lines
   * @param search finds the same lines among the stored ones
   */
  async nearest(
    line: number,
    direction: 1 | -1,
    wanted: (row: LogRow) => boolean,
    search: Source["search"],
  ): Promise<number | null> {
    const { signal } = this.#requests;
    const { oldest, newest, entries } = this.#buffer;
    let from = line;
    if (oldest !== null && oldest - 1 <= line && line <= newest + 1) {
      const loaded = nearestLine(entries, line, direction, wanted);
      if (loaded !== null || (direction > 0 ? this.#newer : this.#older) === null) return loaded;
      from = direction > 0 ? newest : oldest;
    }
    const order = direction > 0 ? "asc" : "desc";
    let place: LogPlace | null = { order, around: from, limit: 4 };
    while (place !== null) {
      const found = await search(place, signal);
      const ids = found.items.map((row) => row.log_id).filter((id) => (id - from) * direction > 0);
      if (ids.length > 0) return direction > 0 ? Math.min(...ids) : Math.max(...ids);
      place = next(found, order);
    }
    return null;
  }

  close(): void {
    this.#requests.abort();
  }

  #empty(): LogBuffer {
    return new LogBuffer(this.#source.numbered, this.#source.most);
  }

  #reaches(place: Place): boolean {
    if (place === "end") return this.#newer === null;
    return place === "first" ? this.#older === null : this.#buffer.has(place);
  }

  async #open(place: Place): Promise<void> {
    this.#requests.abort();
    this.#requests = new AbortController();
    this.#opening = place;
    this.#wanted = place;
    const from: LogPlace = typeof place === "number" ? around(place) : { order: place === "end" ? "desc" : "asc" };
    this.#show({ missing: place === "end" ? this.#state.missing : null });
    try {
      await this.#request(from, (found) => {
        this.#buffer = this.#empty();
        this.#buffer.extend(ascending(found, from));
        this.#older = from.order === "desc" ? next(found, "desc") : previous(found, "desc");
        this.#newer = from.order === "desc" ? null : next(found, "asc");
        this.#opening = null;
        this.#show({ opened: { at: place, times: this.#state.opened.times + 1 } });
      });
    } finally {
      if (this.#opening === place) this.#opening = null;
    }
    const { error } = this.#state;
    if (typeof place === "number" && error instanceof CasareError && error.status === NOT_FOUND) {
      this.#show({ missing: place });
      await this.#open("end");
    }
  }

  #extend(found: FoundLogs, from: LogPlace): void {
    const { removed } = this.#buffer.extend(ascending(found, from));
    this.#newer = next(found, "asc");
    this.#trimmed(removed);
  }

  #append(rows: readonly LogRow[], dropped: number): number {
    const { added, removed } = this.#buffer.append(rows, dropped);
    this.#trimmed(removed);
    return added;
  }

  /** After entries were removed at the front, older lines are loaded from the first one that is left. */
  #trimmed(removed: number): void {
    const { oldest } = this.#buffer;
    if (removed > 0 && oldest !== null) this.#older = around(oldest);
  }

  async #catchUp(): Promise<void> {
    if (!this.#behind || this.#state.loading || this.#newer !== null || this.#state.opened.times === 0) return;
    this.#behind = false;
    const { signal } = this.#requests;
    const { newest } = this.#buffer;
    const from: LogPlace = newest === 0 ? { order: "desc" } : around(newest);
    await this.#request(from, (found) => this.#join(found, from));
    while (this.#newer !== null && this.#state.error === null && !this.#state.loading && !signal.aborted)
      await this.loadNewer();
    this.#behind = this.#state.error !== null; // the next request tries again
  }

  /** Appends lines that were stored between the last page and the first live line. */
  #join(found: FoundLogs, from: LogPlace): void {
    const added = this.#append(ascending(found, from), 0);
    if (from.order === "asc") this.#newer = next(found, "asc");
    else this.#older = next(found, "desc");
    this.#show({ arrived: this.#state.arrived + added });
  }

  /** Sends a request, and takes its answer with the live lines that arrived meanwhile. An error is a part of the state. */
  async #request(from: LogPlace, take: (found: FoundLogs) => void): Promise<void> {
    const { signal } = this.#requests;
    this.#early ??= [];
    this.#show({ loading: true, error: null });
    let error: Error | null = null;
    try {
      const found = await this.#source.search(from, signal);
      if (signal.aborted) return;
      take(found);
      this.#show({ loadedAt: Date.now() });
    } catch (problem) {
      if (signal.aborted) return;
      error = asError(problem);
    }
    const early = this.#early ?? [];
    this.#early = null;
    this.receive(early);
    this.#show({ loading: false, error });
    await this.#catchUp();
  }

  #show(change: Partial<LogState>): void {
    const ends = { older: this.#older !== null, newer: this.#newer !== null };
    this.#state = { ...this.#state, ...ends, ...change, entries: this.#buffer.entries };
    this.#source.show(this.#state);
  }
}

const around = (line: number): LogPlace => ({ order: "asc", around: line });

/** The lines of a page, oldest first. */
const ascending = (found: FoundLogs, from: LogPlace): LogRow[] =>
  from.order === "desc" ? found.items.toReversed() : found.items;

const placeOf = (cursor: string | null | undefined, order: LogPlace["order"]): LogPlace | null =>
  cursor == null ? null : { order, cursor };
const next = (found: FoundLogs, order: LogPlace["order"]) => placeOf(found.next_cursor, order);
const previous = (found: FoundLogs, order: LogPlace["order"]) => placeOf(found.previous_cursor, order);
