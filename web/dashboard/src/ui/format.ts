/** Texts for moments, spans and figures. Moments are RFC 3339 strings of the server or milliseconds. */

// 24 hours wherever one is: a log that says 12:05:11 AM is read wrongly at night.
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
const clock = new Intl.DateTimeFormat(undefined, CLOCK);
const dayAndClock = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", ...CLOCK });
const hourAndMinute = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const whole = new Intl.NumberFormat();

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function milliseconds(at: string | number): number {
  return typeof at === "number" ? at : Date.parse(at);
}

/** Local time, with the day unless it is that of `now`: `14:02:11`, `Mar 2, 14:02:11`. */
export function localTime(at: string | number, now: number = Date.now()): string {
  const moment = new Date(milliseconds(at));
  const sameDay = moment.toDateString() === new Date(now).toDateString();
  return (sameDay ? clock : dayAndClock).format(moment);
}

/** `14:02`, for an axis. */
export function shortTime(at: string | number): string {
  return hourAndMinute.format(new Date(milliseconds(at)));
}

/** `2026-03-02 08:15:00.000 UTC`, for a hover. */
export function utcTime(at: string | number): string {
  return new Date(milliseconds(at)).toISOString().replace("T", " ").replace("Z", " UTC");
}

/** A span in its two largest units: `4 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. Never negative. */
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

/** `1 job`, `1,204 jobs`. */
export function counted(value: number, one: string, many: string = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
