import type { Shown, TagGroup } from "./state";

/** A row of the map: the heading of a tag, or cells. */
export type MapRow =
  | { kind: "head"; tag: string | null; total: number; offline: number; draining: number }
  | { kind: "cells"; robots: readonly Shown[] };

/** A cell of the map. */
export interface Place {
  row: number;
  column: number;
}

/** The rows of the map: each group has a heading, then its robots in rows of `columns`. */
export function mapRows(groups: readonly TagGroup[], columns: number): MapRow[] {
  return groups.flatMap(({ tag, robots }) => {
    const inState = (state: Shown["state"]) => robots.reduce((sum, one) => sum + (one.state === state ? 1 : 0), 0);
    const rows: MapRow[] = [
      { kind: "head", tag, total: robots.length, offline: inState("offline"), draining: inState("draining") },
    ];
    for (let first = 0; first < robots.length; first += columns)
      rows.push({ kind: "cells", robots: robots.slice(first, first + columns) });
    return rows;
  });
}

/** The cell that a key leads to; null for other keys. At an end of the map the cell stays. */
export function moved(rows: readonly MapRow[], from: Place, key: string): Place | null {
  const cells = (row: number) => {
    const found = rows[row];
    return found?.kind === "cells" ? found.robots.length : 0;
  };
  const next = (step: 1 | -1) => {
    let row = from.row + step;
    while (row >= 0 && row < rows.length && cells(row) === 0) row += step;
    return row >= 0 && row < rows.length ? row : null;
  };
  const to = (row: number | null, column: number): Place =>
    row === null ? from : { row, column: Math.max(0, Math.min(column, cells(row) - 1)) };
  switch (key) {
    case "ArrowRight":
      return from.column + 1 < cells(from.row) ? to(from.row, from.column + 1) : to(next(1), 0);
    case "ArrowLeft":
      return from.column > 0 ? to(from.row, from.column - 1) : to(next(-1), Number.MAX_SAFE_INTEGER);
    case "ArrowDown":
      return to(next(1), from.column);
    case "ArrowUp":
      return to(next(-1), from.column);
    case "Home":
      return to(1, 0);
    case "End":
      return to(rows.length - 1, Number.MAX_SAFE_INTEGER);
    default:
      return null;
  }
}
