/** A time range as an address has it: `1h`, `24h` or `7d` up to now, or `2026-03-02T08:00Z/2026-03-02T09:30Z`.
 *
 * A range without its second time has no end: `2026-03-02T08:00Z/`.
 */
export type TimeRange = string;

const MINUTE_MS = 60_000;

/** The ranges up to now, in minutes. */
export const RECENT = { "1h": 60, "24h": 1440, "7d": 10_080 } as const;
export type Recent = keyof typeof RECENT;

export interface RangeFields {
  from: string;
  /** Null: up to now. */
  to: string | null;
}

export const isRecent = (range: TimeRange): range is Recent => Object.hasOwn(RECENT, range);

/** Begin and end of a range; null when the text is not a range. A recent range begins at a full minute, as the counts of the overview do. */
export function rangeFields(range: TimeRange, now: number): RangeFields | null {
  if (isRecent(range)) {
    const begin = (Math.floor(now / MINUTE_MS) - RECENT[range] + 1) * MINUTE_MS;
    return { from: new Date(begin).toISOString(), to: null };
  }
  const [first = "", second, ...more] = range.split("/");
  const from = Date.parse(first);
  const to = second === undefined || second === "" ? null : Date.parse(second);
  if (second === undefined || more.length > 0 || Number.isNaN(from) || Number.isNaN(to ?? 0)) return null;
  if (to !== null && to <= from) return null;
  return { from: new Date(from).toISOString(), to: to === null ? null : new Date(to).toISOString() };
}

/** The parameters with which the routes of statistics take a range. */
export function periodOf(range: TimeRange): { minutes: number } | { from: string; to?: string } {
  if (isRecent(range)) return { minutes: RECENT[range] };
  const fields = rangeFields(range, 0);
  if (fields === null) throw new Error(`not a range: ${range}`);
  return { from: fields.from, ...(fields.to === null ? {} : { to: fields.to }) };
}

/** The text of a range between two times in milliseconds. */
export function customRange(from: number, to: number | null): TimeRange {
  return `${shortIso(from)}/${to === null ? "" : shortIso(to)}`;
}

const shortIso = (at: number) => new Date(at).toISOString().replace(/(?::00)?\.000Z$/, "Z");
