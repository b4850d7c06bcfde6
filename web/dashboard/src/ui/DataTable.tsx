import { Checkbox } from "@mantine/core";
import {
  type ColumnDef,
  columnSizingFeature,
  createColumnHelper,
  type Row,
  rowSelectionFeature,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useRef, useState } from "react";
import classes from "./DataTable.module.css";
import { useKeys } from "./keys";

const features = tableFeatures({ rowSelectionFeature, columnSizingFeature });

export interface Column<T> {
  id: string;
  header: string;
  cell: (row: T) => ReactNode;
  /** CSS grid track: `120px`, `minmax(160px, 2fr)`. */
  width: string;
  align?: "end";
  /** Not shown where the page is narrower than 768 px. */
  wideOnly?: boolean;
}

export interface Selection {
  selected: ReadonlySet<string>;
  onChange: (selected: Set<string>) => void;
  /** Of the box that selects one row, and the one that selects all that are loaded. */
  labelOf: (id: string) => string;
  labelAll: string;
}

interface Props<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  idOf: (row: T) => string;
  onOpen: (row: T) => void;
  selection?: Selection | undefined;
  /** Called when the end comes into view; absent when there is no more. */
  loadMore?: (() => void) | undefined;
  /** Below the last row: a spinner, or how many are not shown. */
  foot?: ReactNode;
  /** What a row's state is, for its left edge: `failed` draws it red. */
  toneOf?: (row: T) => string | undefined;
  rowHeight?: number;
}

const EMPTY: never[] = [];

/** Rows of any number, of which only those in view exist. j, k, x and Enter work on them. */
export function DataTable<T>(props: Props<T>) {
  const { label, columns, rows, idOf, onOpen, selection, loadMore, foot, toneOf, rowHeight = 36 } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState(-1);
  const helper = createColumnHelper<typeof features, { row: T }>();
  const defs: ColumnDef<typeof features, { row: T }>[] = columns.map((column) =>
    helper.display({ id: column.id, header: column.header, cell: (context) => column.cell(context.row.original.row) }),
  );
  const data = rows.length > 0 ? rows.map((row) => ({ row })) : EMPTY;
  const table = useTable({ features, columns: defs, data, getRowId: (item) => idOf(item.row) }, () => ({}));
  const models = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: models.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const lastSeen = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (loadMore !== undefined && models.length > 0 && lastSeen >= models.length - 20) loadMore();
  }, [lastSeen, models.length, loadMore]);

  const move = (to: number) => {
    const index = Math.max(0, Math.min(models.length - 1, to));
    if (models.length === 0) return;
    setCurrent(index);
    virtual.scrollToIndex(index);
    requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-index="${index}"]`)?.focus());
  };
  const toggle = (id: string) => {
    if (selection === undefined) return;
    const next = new Set(selection.selected);
    if (!next.delete(id)) next.add(id);
    selection.onChange(next);
  };
  useKeys({
    j: () => move(current + 1),
    k: () => move(current - 1),
    x: () => {
      const row = models[current];
      if (row !== undefined) toggle(row.id);
    },
  });

  const template = `${selection === undefined ? "" : "28px "}${columns.map((column) => column.width).join(" ")}`;
  const narrow = columns.filter((column) => column.wideOnly !== true).map((column) => column.width);
  const narrowTemplate = `${selection === undefined ? "" : "28px "}${narrow.join(" ")}`;
  const grid = { "--columns": template, "--narrow-columns": narrowTemplate };
  const all = selection !== undefined && models.length > 0 && models.every((row) => selection.selected.has(row.id));

  const renderRow = (row: Row<typeof features, { row: T }>, index: number, start: number) => (
    <div
      key={row.id}
      role="row"
      aria-rowindex={index + 2}
      data-index={index}
      data-tone={toneOf?.(row.original.row)}
      data-current={index === current}
      tabIndex={index === (current === -1 ? 0 : current) ? 0 : -1}
      className={classes.row}
      style={{ ...grid, height: rowHeight, transform: `translateY(${start}px)` }}
      onClick={() => onOpen(row.original.row)}
      onFocus={() => setCurrent(index)}
      onKeyDown={(event) => {
        if (event.target !== event.currentTarget) return;
        if (event.key === "Enter") onOpen(row.original.row);
        else if (event.key === "ArrowDown") move(index + 1);
        else if (event.key === "ArrowUp") move(index - 1);
        else if (event.key === " " && selection !== undefined) toggle(row.id);
        else return;
        event.preventDefault();
      }}
    >
      {selection !== undefined && (
        <div role="cell" className={classes.check}>
          <Checkbox
            size="xs"
            checked={selection.selected.has(row.id)}
            onChange={() => toggle(row.id)}
            onClick={(event) => event.stopPropagation()}
            aria-label={selection.labelOf(row.id)}
            tabIndex={-1}
          />
        </div>
      )}
      {row.getAllCells().map((cell, at) => (
        <div
          key={cell.id}
          role="cell"
          className={classes.cell}
          data-align={columns[at]?.align}
          data-wide-only={columns[at]?.wideOnly}
        >
          <table.FlexRender cell={cell} />
        </div>
      ))}
    </div>
  );

  return (
    <div role="table" aria-label={label} aria-rowcount={models.length + 1} className={classes.table}>
      <div ref={scroller} className={classes.scroller}>
        <div role="row" aria-rowindex={1} className={classes.head} style={grid} tabIndex={-1}>
          {selection !== undefined && (
            <div role="columnheader" className={classes.check} tabIndex={-1}>
              <Checkbox
                size="xs"
                checked={all}
                indeterminate={!all && selection.selected.size > 0}
                onChange={() => selection.onChange(all ? new Set() : new Set(models.map((row) => row.id)))}
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
            >
              {column.header}
            </div>
          ))}
        </div>
        <div role="rowgroup" className={classes.body} style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = models[item.index];
            return row === undefined ? null : renderRow(row, item.index, item.start);
          })}
        </div>
        {foot !== undefined && <div className={classes.foot}>{foot}</div>}
      </div>
    </div>
  );
}
