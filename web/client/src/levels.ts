import type { components } from "./http.gen.js";
import { LEVELS } from "./levels.gen.js";

export type Level = components["schemas"]["Level"];

/** Position of a level in ascending order: 0 for DEBUG to 3 for ERROR. */
export function levelRank(level: Level): number {
  return LEVELS.indexOf(level);
}
