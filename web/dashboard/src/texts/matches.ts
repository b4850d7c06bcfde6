import { type Piece, pieces } from "./safe";

/** Whether a text contains `part`, ignoring case: the rule with which the server searches log lines. */
export const includesText = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase());

export interface MarkedPiece extends Piece {
  marked: boolean;
}

/** The parts of a text as `pieces` returns them, cut so that each occurrence of `part` in the shown text is marked. */
export function markedPieces(text: string, part: string): MarkedPiece[] {
  const all = pieces(text);
  const places = placesOf(all.map((piece) => piece.text).join(""), part);
  const found: MarkedPiece[] = [];
  let start = 0;
  for (const piece of all) {
    const end = start + piece.text.length;
    let at = start;
    for (const place of places) {
      const from = Math.max(at, place.start);
      const to = Math.min(end, place.end);
      if (from >= to) continue;
      if (from > at) found.push({ ...piece, text: piece.text.slice(at - start, from - start), marked: false });
      found.push({ ...piece, text: piece.text.slice(from - start, to - start), marked: true });
      at = to;
    }
    if (at < end) found.push({ ...piece, text: piece.text.slice(at - start), marked: false });
    start = end;
  }
  return found;
}

function placesOf(text: string, part: string): { start: number; end: number }[] {
  const wanted = part.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  if (wanted === "") return [];
  return [...text.matchAll(new RegExp(wanted, "giu"))].map(({ index, 0: found }) => ({
    start: index,
    end: index + found.length,
  }));
}
