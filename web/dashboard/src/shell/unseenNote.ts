import type { Note } from "../texts/notes";

/** The note that a user has not seen: the newest up to the version of this page; null for none, and on the first visit. */
export function unseenNote(notes: readonly Note[], seen: string | null, version: string): Note | null {
  if (seen === null) return null;
  const newest = notes.find((note) => compareVersions(note.version, version) <= 0);
  return newest !== undefined && compareVersions(newest.version, seen) > 0 ? newest : null;
}

/** Negative if `a` is earlier than `b`, zero if they are equal. A version is numbers with dots; a missing one is zero. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(".").map((part) => Number.parseInt(part, 10) || 0));
  for (let place = 0; place < Math.max(left?.length ?? 0, right?.length ?? 0); place++) {
    const difference = (left?.[place] ?? 0) - (right?.[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
