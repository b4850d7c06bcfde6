import { CLOSE_CODES } from "./closeCodes.gen.js";

/** What to do after a close. */
export type Reconnect = "yes" | "no" | "slowly";

export interface CloseRule {
  readonly reconnect: Reconnect;
  readonly meaning: string;
}

/** The rule of the contract for a close code; one that is not in its table means: try again. */
export function closeRule(code: number): CloseRule {
  const known = (CLOSE_CODES as Record<string, CloseRule | undefined>)[String(code)];
  return known ?? { reconnect: "yes", meaning: "the connection was lost" };
}
