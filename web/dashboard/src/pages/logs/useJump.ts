import { asError } from "@casare/client";
import { type RefObject, useCallback, useMemo, useRef, useState } from "react";
import { type LogSearch, textOf } from "../../address/logs";
import type { LogRow } from "../../api/jobs";
import { logTexts as words } from "../../texts/logs";
import { includesText } from "../../texts/matches";
import { Matches } from "./lines";
import type { Log } from "./useLog";

/** `log_id` of the first and the last visible line; null while no line is visible. */
export type Visible = RefObject<() => { first: number; last: number } | null>;

export type Target = "match" | "error";

interface Jump {
  /** Numbers of the marked lines; null when no text is marked. */
  matches: { all: number; current: number } | null;
  /** Why the last jump did not move; empty otherwise. */
  note: string;
  to: (target: Target, direction: 1 | -1) => void;
}

/** Moves to the next or previous marked line or error: a loaded one, or else the nearest stored one. */
export function useJump(log: Log, search: LogSearch, visible: Visible, show: (line: number) => Promise<void>): Jump {
  const text = textOf(search);
  const marked = useMemo(
    () => (text === undefined ? null : new Matches((row) => includesText(row.message, text))),
    [text],
  );
  const linked = typeof search.line === "number" ? search.line : null;
  const matches = useMemo(() => marked?.count(log.entries, linked) ?? null, [marked, log.entries, linked]);
  const [note, setNote] = useState("");

  const newest = useRef({ log, marked, linked, text });
  newest.current = { log, marked, linked, text };
  const step = useCallback(
    async (target: Target, direction: 1 | -1) => {
      const { log, marked, linked, text } = newest.current;
      const seen = visible.current();
      if (seen === null || (target === "match" && marked === null)) return;
      const from = linked ?? (direction > 0 ? seen.first - 1 : seen.last + 1);
      const wanted = (row: LogRow) => (target === "error" ? row.level === "ERROR" : marked?.has(row) === true);
      const more = target === "error" ? { level: "ERROR" as const } : text === undefined ? {} : { q: text };
      try {
        const found = await log.nearest(from, direction, wanted, more);
        setNote(found === null ? words.noFurther[target][direction > 0 ? "later" : "earlier"] : "");
        if (found === null) return;
        newest.current = { ...newest.current, linked: found };
        await show(found);
      } catch (problem) {
        setNote(asError(problem).message);
      }
    },
    [show, visible],
  );
  // One after another, so that a key that is pressed twice moves by two.
  const last = useRef<Promise<void>>(Promise.resolve());
  const to = useCallback(
    (target: Target, direction: 1 | -1) => {
      last.current = last.current.then(() => step(target, direction));
    },
    [step],
  );
  return { matches, note, to };
}
