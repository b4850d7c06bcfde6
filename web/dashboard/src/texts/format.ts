/** Formats times, durations and numbers. A time is an RFC 3339 string of the server or milliseconds since 1970. */

// 24-hour clock in every locale, because 12:05:11 AM in a log is easily misread.
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
const clock = new Intl.DateTimeFormat(undefined, CLOCK);
const dayAndClock = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", ...CLOCK });
const yearAndClock = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric", ...CLOCK });
const hourAndMinute = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dateAndMinute = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const date = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const whole = new Intl.NumberFormat();

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function milliseconds(at: string | number): number {
  return typeof at === "number" ? at : Date.parse(at);
}

/** Local time, with the date unless it is that of `now`: `14:02:11`, `Mar 2, 14:02:11`, `Mar 2, 2027, 14:02:11`. */
export function localTime(at: string | number, now: number = Date.now()): string {
  const date = new Date(milliseconds(at));
  const today = new Date(now);
  if (date.toDateString() === today.toDateString()) return clock.format(date);
  return (date.getFullYear() === today.getFullYear() ? dayAndClock : yearAndClock).format(date);
}

/** Hour and minute for the axis of a chart: `14:02`. */
export function shortTime(at: string | number): string {
  return hourAndMinute.format(new Date(milliseconds(at)));
}

/** A day: `Mar 2`. */
export function day(at: string | number): string {
  return date.format(new Date(milliseconds(at)));
}

/** Day, hour and minute: `Mar 2, 14:02`. */
export function dayTime(at: string | number): string {
  return dateAndMinute.format(new Date(milliseconds(at)));
}

/** Name of the time zone in which this page shows times, such as `Europe/Berlin`. */
export const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Full UTC time for a tooltip: `2026-03-02 08:15:00.000 UTC`. */
export function utcTime(at: string | number): string {
  return new Date(milliseconds(at)).toISOString().replace("T", " ").replace("Z", " UTC");
}

/** A duration in its two largest units: `4 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. Negative values become `0 s`. */
export function span(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < MINUTE) return `${s} s`;
  if (s < HOUR) return two(s, MINUTE, "min", 1, "s");
  if (s < DAY) return two(s, HOUR, "h", MINUTE, "min");
  return two(s, DAY, "d", HOUR, "h");
}

function two(seconds: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)} ${largeUnit}${rest > 0 ? ` ${rest} ${smallUnit}` : ""}`;
}

export function secondsSince(at: string | number, now: number): number {
  return (now - milliseconds(at)) / 1000;
}

export function count(value: number): string {
  return whole.format(value);
}

/** A number with its noun: `1 job`, `1,204 jobs`. */
export function counted(value: number, one: string, many: string = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
