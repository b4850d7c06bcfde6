const FIRST_MS = 500;
const MOST_MS = 30_000;
/** Wait after a close code with the rule `slowly`. */
export const SLOW_MS = 5 * 60_000;
/** A connection that lasted this long resets the attempt counter. */
export const HELD_MS = 10_000;

/** Backoff with full jitter, in milliseconds: random between 0 and a limit that doubles with each attempt up to 30 s.
 *
 * The jitter spreads the reconnects of many clients after a restart of the server.
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 *
 * @param attempt 0 for the first attempt after a lost connection
 * @param random 0 ≤ random < 1
 */
export function backoffMs(attempt: number, random: number): number {
  return random * Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
}
