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
 * it is. Elements with the attribute `data-line` are the rows, with the `log_id` as value.
 *
 * @param between returns the rows from the first to the last one, including rows outside of the document
 */
export function copyLines(
  event: ClipboardEvent<HTMLElement>,
  between: (first: number, last: number) => readonly LogRow[],
): void {
  const selection = window.getSelection();
  if (selection === null || selection.isCollapsed) return;
  const elements = selectedLines(event.currentTarget, selection);
  const [first] = elements;
  const last = elements.at(-1);
  if (first === undefined || last === undefined) return;
  const within = first.querySelector("[data-message]");
  if (first === last && within?.contains(selection.anchorNode) && within.contains(selection.focusNode)) return;
  putLines(event, between(Number(first.dataset.line), Number(last.dataset.line)));
}

/** The rows of which a part is selected. A selection that ends before the text of a row does not include that row. */
function selectedLines(host: HTMLElement, selection: Selection): HTMLElement[] {
  const range = selection.getRangeAt(0);
  const elements = [...host.querySelectorAll<HTMLElement>("[data-line]")].filter((one) => range.intersectsNode(one));
  const last = elements.at(-1);
  if (elements.length < 2 || last === undefined || !last.contains(range.endContainer)) return elements;
  const inside = range.cloneRange();
  inside.setStartBefore(last);
  return inside.toString() === "" ? elements.slice(0, -1) : elements;
}

/** Puts log lines into the clipboard. */
export function putLines(event: ClipboardEvent<HTMLElement>, rows: readonly LogRow[]): void {
  event.clipboardData.setData("text/plain", rows.map((row) => `${lineText(row)}\n`).join(""));
  event.preventDefault();
}
