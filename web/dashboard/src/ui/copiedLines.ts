import type { ClipboardEvent } from "react";
import type { LogRow } from "../api/jobs";
import { plain } from "../texts/safe";

/** A log line as one text: time, level, robot, node and message. */
export function lineText(row: LogRow): string {
  const node = row.node_id === null ? [] : [plain(row.node_id)];
  return [row.timestamp, row.level, row.robot_id, ...node, plain(row.message)].join(" ");
}

/**
 * Handles the copy of selected log lines: each line becomes one line of text. A selection within one message is copied as
 * it is. Elements with the attribute `data-line` are the rows; `rowOf` returns the row of its value.
 */
export function copyLines(event: ClipboardEvent<HTMLElement>, rowOf: (id: string) => LogRow | undefined): void {
  const selection = window.getSelection();
  if (selection === null || selection.isCollapsed) return;
  const elements = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-line]")].filter((element) =>
    selection.containsNode(element, true),
  );
  const [first] = elements;
  const within = first?.querySelector("[data-message]");
  if (elements.length === 1 && within?.contains(selection.anchorNode) && within.contains(selection.focusNode)) return;
  const rows = elements.flatMap((element) => rowOf(element.dataset.line ?? "") ?? []);
  if (rows.length > 0) putLines(event, rows);
}

/** Puts log lines into the clipboard. */
export function putLines(event: ClipboardEvent<HTMLElement>, rows: readonly LogRow[]): void {
  event.clipboardData.setData("text/plain", rows.map((row) => `${lineText(row)}\n`).join(""));
  event.preventDefault();
}
