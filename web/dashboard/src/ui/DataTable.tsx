import ArrowDown from "lucide:arrow-down";
import ArrowUp from "lucide:arrow-up";
import { Checkbox } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { type ListSort, sortBy } from "../address/sort";
import { common } from "../texts/common";
import classes from "./DataTable.module.css";
import { useKeys } from "./keys";
import { useCanAct } from "./orders";
import { scrollId, useSavedScroll } from "./savedScroll";
import { type Column, TableRow } from "./TableRow";

export type { Column } from "./TableRow";

export interface Selection {
  selected: ReadonlySet<string>;
  onChange: (selected: Set<string>) => void;
  /** Labels of the checkbox of a row, and of the checkbox for all loaded rows. */
  labelOf: (id: string) => string;
  labelAll: string;
}

interface Props<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  idOf: (row: T) => string;
  /** The rows of the next order: a read-only link selects none. */
  selection?: Selection | undefined;
  /** Loads more rows; called near the end of the list. Undefined when all rows are loaded. */
  loadMore?: (() => void) | undefined;
  /** Shown below the last row. */
  foot?: ReactNode;
  /** Tone of the left edge of a row: `failed` is red. */
  toneOf?: (row: T) => string | undefined;
  rowHeight?: number;
  /** A second line of a row on pages narrower than 768 px, which hide columns. */
  narrowNote?: ((row: T) => string | null) | undefined;
  /** The column that orders the rows, and whether the largest value comes first. */
  sort?: Sort | undefined;
}

export interface Sort {
  column: string;
  descending: boolean;
  onChange: (column: string, descending: boolean) => void;
}

/** The sort of a table from its form in an address, such as `-created`. */
export const sortOfTable = (sort: ListSort, onChange: (sort: ListSort) => void): Sort => ({
  column: sort.replace(/^-/, ""),
  descending: sort.startsWith("-"),
  onChange: (column, descending) => onChange(sortBy(column, descending)),
});

const NARROW = "(max-width: 767px)";
const ROW_PX = 36;
const NOTE_PX = 18;

/** More rows are loaded when this many rows or fewer remain below the visible ones. */
const AHEAD = 20;

/** A virtual table: only visible rows are in the DOM, and only changed rows are rendered again. The main link of a row opens
 * it. On the way back, the table is scrolled to where it was.
 *
 * Keys: j/k or arrows move, x or space selects, Enter opens.
 */
export function DataTable<T>(props: Props<T>) {
  const { label, columns, rows, idOf, loadMore, foot, toneOf, sort } = props;
  const noteOf = useMediaQuery(NARROW, undefined, { getInitialValueInEffect: false }) ? props.narrowNote : undefined;
  const rowHeight = (props.rowHeight ?? ROW_PX) + (noteOf === undefined ? 0 : NOTE_PX);
  const selection = useCanAct() ? props.selection : undefined;
  const scroller = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState(-1);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    initialOffset: useSavedScroll(label),
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the places of the rows depend on it
  useEffect(() => virtual.measure(), [rowHeight]);
  const items = virtual.getVirtualItems();
  const lastSeen = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (loadMore !== undefined && rows.length > 0 && lastSeen >= rows.length - AHEAD) loadMore();
  }, [lastSeen, rows.length, loadMore]);

  const anchor = useRef<string | null>(null);
  const toggle = (id: string, range = false) => {
    if (selection === undefined) return;
    const next = new Set(selection.selected);
    const chosen = !next.has(id);
    const from = range ? rows.findIndex((row) => idOf(row) === anchor.current) : -1;
    const to = rows.findIndex((row) => idOf(row) === id);
    const ids = from === -1 ? [id] : rows.slice(Math.min(from, to), Math.max(from, to) + 1).map(idOf);
    for (const one of ids) {
      if (chosen) next.add(one);
      else next.delete(one);
    }
    anchor.current = id;
    selection.onChange(next);
  };
  const move = (to: number) => {
    if (rows.length === 0) return;
    const index = Math.max(0, Math.min(rows.length - 1, to));
    setCurrent(index);
    virtual.scrollToIndex(index);
    const row = () => scroller.current?.querySelector<HTMLElement>(`[data-index="${index}"]`);
    // At once if possible, so that Enter can follow at once.
    const known = row();
    if (known != null) known.focus();
    else requestAnimationFrame(() => row()?.focus());
  };
  // The header covers the top of the rows.
  const firstVisible = () => Math.ceil((scroller.current?.scrollTop ?? 0) / rowHeight);
  // The callbacks keep their identity, so that memoised rows are not rendered again when a handler changes.
  const newest = useRef({ toggle, move });
  newest.current = { toggle, move };
  const acts = useMemo(
    () => ({
      toggle: (id: string, range?: boolean) => newest.current.toggle(id, range),
      move: (to: number) => newest.current.move(to),
      focus: (index: number) => setCurrent(index),
    }),
    [],
  );
  useKeys({
    j: () => move(current === -1 ? firstVisible() : current + 1),
    k: () => move(current === -1 ? firstVisible() : current - 1),
    x: () => {
      const row = rows[current];
      if (row !== undefined) toggle(idOf(row));
    },
    ...(selection !== undefined && selection.selected.size > 0 ? { Escape: () => selection.onChange(new Set()) } : {}),
  });

  const grid = useGrid(columns, selection !== undefined);
  const all = selection !== undefined && rows.length > 0 && rows.every((row) => selection.selected.has(idOf(row)));
  const labelOf = useCallback((id: string) => selection?.labelOf(id) ?? id, [selection?.labelOf]);

  return (
    <div role="table" aria-label={label} aria-rowcount={rows.length + 1} className={classes.table} style={grid}>
      <div ref={scroller} className={classes.scroller} {...scrollId(label)}>
        <div role="row" aria-rowindex={1} className={classes.head} tabIndex={-1}>
          {selection !== undefined && (
            <div role="columnheader" className={classes.check} tabIndex={-1}>
              <Checkbox
                size="xs"
                checked={all}
                disabled={rows.length === 0}
                indeterminate={!all && selection.selected.size > 0}
                onChange={() => selection.onChange(all ? new Set() : new Set(rows.map(idOf)))}
                aria-label={selection.labelAll}
              />
            </div>
          )}
          {columns.map((column) => (
            <div
              key={column.id}
              role="columnheader"
              className={classes.cell}
              data-align={column.align}
              data-wide-only={column.wideOnly}
              tabIndex={-1}
              {...(sort?.column === column.id
                ? { "aria-sort": sort.descending ? ("descending" as const) : ("ascending" as const) }
                : {})}
            >
              {sort !== undefined && column.sortable === true ? (
                <SortButton column={column} sort={sort} />
              ) : (
                column.header
              )}
            </div>
          ))}
        </div>
        <div role="rowgroup" className={classes.body} style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index];
            if (row === undefined) return null;
            const id = idOf(row);
            return (
              <TableRow
                key={id}
                id={id}
                row={row}
                index={item.index}
                start={item.start}
                height={rowHeight}
                columns={columns}
                noteOf={noteOf}
                tone={toneOf?.(row)}
                current={item.index === current}
                reachable={item.index === (current === -1 ? 0 : current)}
                selected={selection?.selected.has(id)}
                labelOf={labelOf}
                acts={acts}
              />
            );
          })}
        </div>
        {foot !== undefined && <div className={classes.foot}>{foot}</div>}
      </div>
    </div>
  );
}

/** The heading of a column that can order the rows. A second press reverses the order. */
function SortButton<T>({ column, sort }: { column: Column<T>; sort: Sort }) {
  const active = sort.column === column.id;
  return (
    <button
      type="button"
      className={classes.sort}
      onClick={() => sort.onChange(column.id, active ? !sort.descending : true)}
      aria-label={common.sortBy(column.header)}
    >
      {column.header}
      {active && (sort.descending ? <ArrowDown size={12} aria-hidden /> : <ArrowUp size={12} aria-hidden />)}
    </button>
  );
}

/** CSS grid tracks of the columns, for wide and for narrow pages. */
function useGrid<T>(columns: readonly Column<T>[], selectable: boolean) {
  return useMemo(() => {
    const box = selectable ? "28px " : "";
    const narrow = columns.filter((column) => column.wideOnly !== true);
    return {
      "--columns": box + columns.map((column) => column.width).join(" "),
      "--narrow-columns": box + narrow.map((column) => column.width).join(" "),
    };
  }, [columns, selectable]);
}
