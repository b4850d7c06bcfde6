const FIRST_MS = 500;
const MOST_MS = 30_000;
/** After `slowly` in the table of close codes. */
export const SLOW_MS = 5 * 60_000;
/** A connection that held this long begins the count anew. */
export const HELD_MS = 10_000;

/** Full jitter: anything from 0 to a limit that doubles with each try, so that many clients do not return at once.
 *
 * @param attempt 0 for the first try after a loss
 * @param random 0 ≤ random < 1
 */
export function backoffMs(attempt: number, random: number): number {
  return random * Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
}
