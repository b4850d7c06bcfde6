import {
  AdminStream,
  type Connection,
  type JobUpdate,
  type QueueMetrics,
  type RobotState,
  STALE_AFTER_MS,
  ticketEndpoints,
} from "@casare/client";
import { useCallback, useSyncExternalStore } from "react";
import { SERVER } from "../address/base";
import { queries, reload } from "../api/queries";
import { session } from "../session/session";
import { common } from "../texts/common";
import { FrameBatch, Throttle, whenIdle } from "./frames";
import { Store, useStore } from "./store";

/** State of the connection for the page. `retryAt` is in milliseconds since 1970. */
export interface LiveConnection {
  state: "live" | "connecting" | "stale" | "offline";
  why: string;
  retryAt: number | null;
  /** When the page last was up to date, in milliseconds since 1970; null before the first update. */
  upToDateAt: number | null;
}

type Reasons = NonNullable<JobUpdate["pending_reasons"]>;
type JobsReader = (updates: readonly JobUpdate[]) => void;

/** Time until a hidden tab closes its connection. */
const HIDDEN_MS = 10_000;
/** Time until queries are loaded again after a connection, which a change before it requires. */
const RELOAD_WITHIN_MS = 500;

export const endpoints = ticketEndpoints(session.http, SERVER);

const robots = new Store<ReadonlyMap<string, RobotState>>(new Map());
const queue = new Store<QueueMetrics | null>(null);
const connection = new Store<LiveConnection>({
  state: "connecting",
  why: "",
  retryAt: null,
  upToDateAt: null,
});
/** The pending reasons from the last live update of each pending job. */
const reasons = new Store<ReadonlyMap<string, Reasons>>(new Map());
const NONE: Reasons = [];
const jobReaders = new Set<JobsReader>();

/** Loads again at most once a second. */
const changedRobots = new Throttle(1000, () => void reload({ queryKey: ["robots"] }));

/** Queries of jobs and log lines are kept up to date by their streams. All others are loaded again after a change. */
const STREAMED = new Set<unknown>(["jobs", "logs"]);

function note(metrics: QueueMetrics): void {
  const known = queue.get();
  queue.set(metrics);
  if (known !== null && known.audit_id !== metrics.audit_id)
    void reload({ predicate: ({ queryKey }) => !STREAMED.has(queryKey[0]) });
}

const robotBatch = new FrameBatch<RobotState>((states) => {
  const next = new Map(robots.get());
  for (const state of states) {
    const known = next.get(state.robot_id);
    // A new or reconnected robot has reported workflows and a version, which the stream does not have.
    if (known === undefined || (known.status === "offline") !== (state.status === "offline")) changedRobots.mark();
    next.set(state.robot_id, state);
  }
  robots.set(next);
});
const jobBatch = new FrameBatch<JobUpdate>((updates) => {
  noteReasons(updates);
  for (const read of jobReaders) read(updates);
});

function noteReasons(updates: readonly JobUpdate[]): void {
  const known = reasons.get();
  const relevant = updates.filter((update) => update.pending_reasons !== undefined || known.has(update.job_id));
  if (relevant.length === 0) return;
  const next = new Map(known);
  for (const { job_id, status, pending_reasons } of relevant) {
    if (status !== "pending") next.delete(job_id);
    else if (pending_reasons !== undefined) next.set(job_id, pending_reasons);
  }
  reasons.set(next);
}

const stream = new AdminStream(endpoints, {
  robot: (state) => robotBatch.add(state),
  queue: note,
  job: (update) => jobBatch.add(update),
  // A snapshot has open jobs only. Jobs that ended in the meantime are loaded over HTTP.
  jobs: (open) => {
    for (const update of open) jobBatch.add(update);
    // The first load of a page is drawn before it is repeated.
    whenIdle(() => void reload(), RELOAD_WITHIN_MS);
  },
  connection: (current) => connection.set(shown(current, connection.get())),
});

function shown(current: Connection, before: LiveConnection): LiveConnection {
  const upToDateAt = before.state === "live" ? Date.now() : before.upToDateAt;
  switch (current.state) {
    case "live":
      return { state: "live", why: "", retryAt: null, upToDateAt };
    case "stale":
      return { state: "stale", why: "", retryAt: null, upToDateAt: Date.now() - STALE_AFTER_MS };
    case "offline":
      return {
        upToDateAt,
        state: "offline",
        why: current.code === null ? common.connection.lost : current.why,
        retryAt: current.retryAt,
      };
    default: // keep the banner during a reconnect attempt
      return before.state === "offline"
        ? { ...before, retryAt: null }
        : { state: "connecting", why: "", retryAt: null, upToDateAt };
  }
}

/** Closes the connection of a hidden tab. When the tab is visible again, the server replays the missed updates. */
function pauseWhileHidden(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const changed = () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(() => stream.pause(), HIDDEN_MS);
    else stream.resume();
  };
  document.addEventListener("visibilitychange", changed);
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", changed);
  };
}

export const live = {
  /** Connects; returns a function that disconnects and clears all live data. */
  start(): () => void {
    stream.start();
    const stopPausing = pauseWhileHidden();
    return () => {
      stopPausing();
      stream.stop();
      robots.set(new Map());
      queue.set(null);
      reasons.set(new Map());
      queries.clear();
    };
  },
  retryNow: () => stream.retryNow(),
  /** Removes a deleted robot, because the stream has no message about it. */
  forgetRobot(robotId: string): void {
    robots.set(new Map([...robots.get()].filter(([known]) => known !== robotId)));
  },
  /** Calls `read` with the job updates of each animation frame; returns a function that unsubscribes. */
  onJobs(read: JobsReader): () => void {
    jobReaders.add(read);
    return () => jobReaders.delete(read);
  },
};

export const useConnection = (): LiveConnection => useStore(connection);
/** The live state of every robot that the user may see, by id. */
export const useRobots = (): ReadonlyMap<string, RobotState> => useStore(robots);

/** As `useRobots`, for a page that computes something about every robot: renders at most once in `pauseMs`. */
export function useRobotsPaced(pauseMs: number): ReadonlyMap<string, RobotState> {
  const subscribe = useCallback(
    (changed: () => void) => {
      const paced = new Throttle(pauseMs, changed);
      return robots.subscribe(() => paced.mark());
    },
    [pauseMs],
  );
  return useSyncExternalStore(subscribe, robots.get);
}

export const useQueueMetrics = (): QueueMetrics | null => useStore(queue);

/** The pending reasons of a job, most important first; empty when no update had any. */
export const usePendingReasons = (jobId: string): Reasons =>
  useSyncExternalStore(reasons.subscribe, () => reasons.get().get(jobId) ?? NONE);
