import type { Attention } from "../../api/overview";

/** Equal problems. */
export interface Problems {
  kind: Attention["kind"];
  items: readonly [Attention, ...Attention[]];
  /** The begin of the latest group of them: problems less than five minutes apart. */
  at: string;
}

/** More equal problems than this are one row. */
const MOST_ROWS = 3;
/** Problems of one kind that are at most this far apart form a group with one cause. */
const TOGETHER_MS = 5 * 60_000;

/** The problems in their order; many of one kind are one entry, others have an entry each. */
export function grouped(items: readonly Attention[]): Problems[] {
  const kinds = [...new Set(items.map((item) => item.kind))];
  return kinds.flatMap((kind) => {
    const equal = items.filter((item) => item.kind === kind);
    const [first, ...rest] = equal;
    if (first === undefined) return [];
    if (equal.length > MOST_ROWS) return [{ kind, items: [first, ...rest] as const, at: beginOf(equal) }];
    return equal.map((item) => ({ kind, items: [item] as const, at: item.at }));
  });
}

function beginOf(items: readonly Attention[]): string {
  const newestFirst = [...items].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  const before = newestFirst.findIndex((item, index) => {
    const newer = newestFirst[index - 1];
    return newer !== undefined && Date.parse(newer.at) - Date.parse(item.at) > TOGETHER_MS;
  });
  return (newestFirst[before < 0 ? newestFirst.length - 1 : before - 1] ?? newestFirst[0])?.at ?? "";
}
