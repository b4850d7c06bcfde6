import { CLOSE_CODES } from "./closeCodes.gen.js";

/** Whether to reconnect after a close; `slowly` means after five minutes. */
export type Reconnect = "yes" | "no" | "slowly";

export interface CloseRule {
  readonly reconnect: Reconnect;
  readonly meaning: string;
}

/** Rule of the contract for a close code. Codes that are not in its table allow a reconnect. */
export function closeRule(code: number): CloseRule {
  const known = (CLOSE_CODES as Record<string, CloseRule | undefined>)[String(code)];
  return known ?? { reconnect: "yes", meaning: "the connection was lost" };
}
