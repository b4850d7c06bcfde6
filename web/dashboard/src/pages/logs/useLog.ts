import { asError, LogStream } from "@casare/client";
import { useCallback, useEffect, useRef, useState } from "react";
import type { LogSearch } from "../../address/logs";
import { rangeFields } from "../../address/range";
import type { LogRow } from "../../api/jobs";
import { rowOf, searchLogs } from "../../api/logs";
import { FrameBatch } from "../../live/frames";
import { endpoints } from "../../live/live";
import { fits } from "./fits";
import { type Entry, LogBuffer } from "./LogBuffer";

export interface Log {
  entries: readonly Entry[];
  /** Number of entries that were appended live; used for "N new lines". */
  arrived: number;
  /** All older stored lines are loaded or were searched. */
  complete: boolean;
  loading: boolean;
  error: Error | null;
  /** When stored lines were last loaded, in milliseconds since 1970; 0 before. */
  loadedAt: number;
  /** Why no live lines arrive; null while the stream is connected or connects for the first time. */
  streamError: string | null;
  loadOlder: () => Promise<void>;
}

const DRAWN_EVERY_MS = 100;

type Live = { row: LogRow } | { dropped: number };

/** Log lines that match the filters: stored lines, loaded page by page backwards, and live lines, without a gap between.
 *
 * @param robotId robot whose live lines are received; null for all robots
 */
export function useLog(search: LogSearch, robotId: string | null): Log {
  const { robot, job, node, level, q, range } = search;
  const [view, setView] = useState<Omit<Log, "loadOlder">>(EMPTY);
  const older = useRef<() => Promise<void>>(async () => undefined);

  useEffect(() => {
    const wanted: LogSearch = Object.fromEntries(
      Object.entries({ robot, job, node, level, q }).filter(([, v]) => v !== undefined),
    );
    const times = range === undefined ? null : rangeFields(range, Date.now());
    const until = times?.to == null ? Number.POSITIVE_INFINITY : Date.parse(times.to);
    const all = job === undefined && node === undefined && q === undefined && (level ?? "DEBUG") === "DEBUG";
    const buffer = new LogBuffer(all && robotId !== null);
    const abort = new AbortController();
    let cursor: string | null = null;
    let { entries: _, ...state }: Omit<Log, "loadOlder"> = EMPTY;
    let early: Live[] | null = []; // live lines that arrive before the first stored page
    const show = (change: Partial<typeof state> = {}) => {
      state = { ...state, ...change };
      if (!abort.signal.aborted) setView({ ...state, entries: buffer.entries });
    };
    const take = (items: Live[]) => {
      const dropped = items.reduce((sum, item) => sum + ("dropped" in item ? item.dropped : 0), 0);
      const rows = items.flatMap((item) => ("row" in item && fits(item.row, wanted) ? [item.row] : []));
      if (rows.length === 0 && dropped === 0) return;
      const { added } = buffer.append(rows, dropped);
      show({ arrived: state.arrived + added });
    };
    const batch = new FrameBatch<Live>(
      (items) => {
        if (early === null) take(items);
        else early.push(...items);
      },
      // Ten updates a second are enough to read, and leave more time to receive lines during a flood.
      (run) => setTimeout(run, DRAWN_EVERY_MS),
    );
    const stream = new LogStream(
      endpoints,
      {
        line: (line) => {
          if (Date.now() < until) batch.add({ row: rowOf(line) });
        },
        dropped: (dropped) => batch.add({ dropped }),
        connection: (current) => {
          if (current.state === "live") show({ streamError: null });
          else if (current.state === "offline") show({ streamError: current.why });
        },
      },
      { robotId: robotId ?? undefined, minLevel: level },
    );
    const page = async () => {
      const found = await searchLogs(wanted, times, cursor, abort.signal);
      buffer.prepend(found.items.reverse());
      cursor = found.next_cursor;
      show({ complete: cursor === null, loadedAt: Date.now() });
    };
    const load = async () => {
      show({ loading: true, error: null });
      try {
        await page();
      } catch (problem) {
        if (abort.signal.aborted) return;
        show({ error: asError(problem) });
      }
      show({ loading: false });
    };
    older.current = async () => {
      if (!state.loading && !state.complete) await load();
    };
    setView(EMPTY);
    if (Date.now() < until) stream.start();
    void load().then(() => {
      const waited = early ?? [];
      early = null;
      take(waited);
    });
    return () => {
      abort.abort();
      stream.stop();
    };
  }, [robot, job, node, level, q, range, robotId]);

  return { ...view, loadOlder: useCallback(() => older.current(), []) };
}

const EMPTY: Omit<Log, "loadOlder"> = {
  entries: [],
  arrived: 0,
  complete: false,
  loading: true,
  error: null,
  loadedAt: 0,
  streamError: null,
};
