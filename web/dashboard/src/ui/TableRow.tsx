import { Checkbox } from "@mantine/core";
import { type KeyboardEvent, memo, type ReactNode } from "react";
import classes from "./DataTable.module.css";
import { openRow, rowClicks } from "./rows";

export interface Column<T> {
  id: string;
  header: string;
  cell: (row: T) => ReactNode;
  /** The cell has the link that opens the row. */
  main?: boolean;
  /** CSS grid track: `120px`, `minmax(160px, 2fr)`. */
  width: string;
  align?: "end";
  /** Hidden on pages narrower than 768 px. */
  wideOnly?: boolean;
  sortable?: boolean;
}

interface Props<T> {
  id: string;
  row: T;
  index: number;
  start: number;
  height: number;
  columns: readonly Column<T>[];
  tone: string | undefined;
  /** The second line of the row; undefined when the table has none. */
  noteOf: ((row: T) => string | null) | undefined;
  current: boolean;
  /** In the tab order; true for one row of the table. */
  reachable: boolean;
  /** Undefined when the table has no selection. */
  selected: boolean | undefined;
  labelOf: (id: string) => string;
  acts: {
    /** With `range`, all rows since the last toggled one. */
    toggle: (id: string, range?: boolean) => void;
    move: (to: number) => void;
    focus: (index: number) => void;
  };
}

function Row<T>(props: Props<T>) {
  const { id, row, index, start, height, columns, tone, noteOf, current, reachable, selected, labelOf, acts } = props;
  const note = noteOf?.(row) ?? null;
  const press = (event: KeyboardEvent<HTMLElement>) => {
    if (event.target !== event.currentTarget) return;
    if (event.key === "Enter") openRow(event.currentTarget, event.ctrlKey || event.metaKey);
    else if (event.key === "ArrowDown") acts.move(index + 1);
    else if (event.key === "ArrowUp") acts.move(index - 1);
    else if (event.key === " " && selected !== undefined) acts.toggle(id, event.shiftKey);
    else return;
    event.preventDefault();
  };
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      data-index={index}
      data-tone={tone}
      data-current={current}
      tabIndex={reachable ? 0 : -1}
      className={classes.row}
      style={{ height, transform: `translateY(${start}px)` }}
      {...rowClicks}
      onFocus={() => acts.focus(index)}
      onKeyDown={press}
    >
      {selected !== undefined && (
        <div role="cell" className={classes.check}>
          <Checkbox
            size="xs"
            checked={selected}
            onChange={(event) => acts.toggle(id, (event.nativeEvent as MouseEvent).shiftKey)}
            onClick={(event) => event.stopPropagation()}
            aria-label={labelOf(id)}
            tabIndex={-1}
          />
        </div>
      )}
      {columns.map((column) => (
        <div
          key={column.id}
          role="cell"
          className={classes.cell}
          data-align={column.align}
          data-wide-only={column.wideOnly}
          data-main={column.main}
        >
          {column.cell(row)}
        </div>
      ))}
      {note !== null && (
        <div role="cell" className={classes.note}>
          {note}
        </div>
      )}
    </div>
  );
}

/** A memoised row: rendered again only when its data or its position changes. */
export const TableRow = memo(Row) as typeof Row;
