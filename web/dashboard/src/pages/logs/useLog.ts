import { LogStream } from "@casare/client";
import { useEffect, useMemo, useRef, useState } from "react";
import type { LogSearch } from "../../address/logs";
import { rangeFields } from "../../address/range";
import type { LogRow } from "../../api/jobs";
import { rowOf, searchLogs } from "../../api/logs";
import { FrameBatch } from "../../live/frames";
import { endpoints } from "../../live/live";
import { fits } from "./fits";
import { EMPTY, type Live, type LogState, LogWindow } from "./LogWindow";

export interface Log extends LogState {
  /** Why no live lines arrive; null while the stream is connected or connects for the first time. */
  streamError: string | null;
  goTo: LogWindow["goTo"];
  loadOlder: () => Promise<void>;
  loadNewer: () => Promise<void>;
  /** The nearest line before (-1) or after (1) a line; `more` are the filters with which the server finds `wanted`. */
  nearest: (
    line: number,
    direction: 1 | -1,
    wanted: (row: LogRow) => boolean,
    more: Pick<LogSearch, "q" | "level">,
  ) => Promise<number | null>;
}

const DRAWN_EVERY_MS = 100;

/** Log lines that match the filters, opened at `search.line`: stored lines and live lines, without a gap between.
 *
 * @param robotId robot whose live lines are received; null for all robots
 */
export function useLog(search: LogSearch, robotId: string | null): Log {
  const { robot, job, node, level, q, range, line } = search;
  const [state, setState] = useState<LogState>(EMPTY);
  const [streamError, setStreamError] = useState<string | null>(null);
  const log = useRef<Opened | null>(null);
  const place = useRef(line);
  place.current = line;

  useEffect(() => {
    const wanted: LogSearch = Object.fromEntries(
      Object.entries({ robot, job, node, level, q, range }).filter(([, v]) => v !== undefined),
    );
    setState(EMPTY);
    setStreamError(null);
    const opened = openLog(wanted, robotId, setState, setStreamError);
    log.current = opened;
    void opened.window.goTo(place.current ?? "end");
    return opened.close;
  }, [robot, job, node, level, q, range, robotId]);

  useEffect(() => void log.current?.window.goTo(line ?? "end"), [line]);

  const acts = useMemo(
    () => ({
      goTo: async (to: Parameters<LogWindow["goTo"]>[0]) => log.current?.window.goTo(to),
      loadOlder: async () => log.current?.window.loadOlder(),
      loadNewer: async () => log.current?.window.loadNewer(),
      nearest: async (...of: Parameters<Opened["nearest"]>) => (await log.current?.nearest(...of)) ?? null,
    }),
    [],
  );
  return { ...state, streamError, ...acts };
}

interface Opened {
  window: LogWindow;
  nearest: Log["nearest"];
  close: () => void;
}

function openLog(
  wanted: LogSearch,
  robotId: string | null,
  show: (state: LogState) => void,
  showStreamError: (why: string | null) => void,
): Opened {
  const { range, job, node, q, level } = wanted;
  const times = range === undefined ? null : rangeFields(range, Date.now());
  const until = times?.to == null ? Number.POSITIVE_INFINITY : Date.parse(times.to);
  const all = job === undefined && node === undefined && q === undefined && (level ?? "DEBUG") === "DEBUG";
  let open = true;
  let received = false;
  const window = new LogWindow({
    search: (place, signal) => searchLogs(wanted, times, place, signal),
    fits: (row) => fits(row, wanted),
    numbered: all && robotId !== null,
    show: (state) => {
      if (open) show(state);
    },
  });
  const batch = new FrameBatch<Live>(
    (items) => window.receive(items),
    // Ten updates a second are enough to read, and leave more time to receive lines during a flood.
    (run) => setTimeout(run, DRAWN_EVERY_MS),
  );
  const stream = new LogStream(
    endpoints,
    {
      line: (line) => {
        received = true;
        if (Date.now() < until) batch.add({ row: rowOf(line) });
      },
      dropped: (dropped) => batch.add({ dropped }),
      connection: (current) => {
        if (!open) return;
        if (current.state === "live") {
          showStreamError(null);
          // From its first line on, the stream continues by itself after a loss of connection.
          if (!received) void window.connected();
        } else if (current.state === "offline") showStreamError(current.why);
      },
    },
    { robotId: robotId ?? undefined, minLevel: level },
  );
  if (Date.now() < until) stream.start();
  return {
    window,
    nearest: (line, direction, chosen, more) =>
      window.nearest(line, direction, chosen, (place, signal) =>
        searchLogs({ ...wanted, ...more }, times, place, signal),
      ),
    close: () => {
      open = false;
      window.close();
      stream.stop();
    },
  };
}
