import {
  AdminStream,
  type Connection,
  type JobUpdate,
  type QueueMetrics,
  type RobotState,
  ticketEndpoints,
} from "@casare/client";
import { useSyncExternalStore } from "react";
import { queries } from "../api/queries";
import { session } from "../session/session";
import { common } from "../texts/common";
import { FrameBatch } from "./frames";
import { Store, useStore } from "./store";

/** What the page knows of its connection. `retryAt` is in milliseconds since 1970. */
export interface LiveConnection {
  state: "live" | "connecting" | "stale" | "offline";
  why: string;
  retryAt: number | null;
}

type Reasons = NonNullable<JobUpdate["pending_reasons"]>;
type JobsReader = (updates: readonly JobUpdate[]) => void;

/** How long after a tab was hidden its updates pause. */
const HIDDEN_MS = 10_000;

export const endpoints = ticketEndpoints(session.http, window.location.origin);

const robots = new Store<ReadonlyMap<string, RobotState>>(new Map());
const queue = new Store<QueueMetrics | null>(null);
const connection = new Store<LiveConnection>({ state: "connecting", why: "", retryAt: null });
/** Why the jobs at the front of each line wait, as the stream told last. */
const reasons = new Store<ReadonlyMap<string, Reasons>>(new Map());
const NONE: Reasons = [];
const jobReaders = new Set<JobsReader>();

const robotBatch = new FrameBatch<RobotState>((states) => {
  const next = new Map(robots.get());
  for (const state of states) next.set(state.robot_id, state);
  robots.set(next);
});
const jobBatch = new FrameBatch<JobUpdate>((updates) => {
  noteReasons(updates);
  for (const read of jobReaders) read(updates);
});

function noteReasons(updates: readonly JobUpdate[]): void {
  const known = reasons.get();
  const told = updates.filter((update) => update.pending_reasons !== undefined || known.has(update.job_id));
  if (told.length === 0) return;
  const next = new Map(known);
  for (const { job_id, status, pending_reasons } of told) {
    if (status !== "pending") next.delete(job_id);
    else if (pending_reasons !== undefined) next.set(job_id, pending_reasons);
  }
  reasons.set(next);
}

const stream = new AdminStream(endpoints, {
  robot: (state) => robotBatch.add(state),
  queue: (metrics) => queue.set(metrics),
  job: (update) => jobBatch.add(update),
  // What ended meanwhile is not in a snapshot: lists that are shown are asked for anew.
  jobs: (open) => {
    for (const update of open) jobBatch.add(update);
    void queries.invalidateQueries();
  },
  connection: (told) => connection.set(shown(told, connection.get())),
});

function shown(told: Connection, before: LiveConnection): LiveConnection {
  switch (told.state) {
    case "live":
      return { state: "live", why: "", retryAt: null };
    case "stale":
      return { state: "stale", why: "", retryAt: null };
    case "offline":
      return { state: "offline", why: told.code === null ? common.connection.lost : told.why, retryAt: told.retryAt };
    default: // while it tries again, the banner stays
      return before.state === "offline"
        ? { ...before, retryAt: null }
        : { state: "connecting", why: "", retryAt: null };
  }
}

/** Stop listening while nobody looks; what was missed is told when the tab is seen again. */
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
  /** Listen until the answer is called. */
  start(): () => void {
    stream.start();
    const listenAgain = pauseWhileHidden();
    return () => {
      listenAgain();
      stream.stop();
      robots.set(new Map());
      queue.set(null);
      reasons.set(new Map());
      queries.clear();
    };
  },
  retryNow: () => stream.retryNow(),
  /** Changes of jobs, together for each frame. The answer stops it. */
  onJobs(read: JobsReader): () => void {
    jobReaders.add(read);
    return () => jobReaders.delete(read);
  },
};

export const useConnection = (): LiveConnection => useStore(connection);
/** Every robot that may be seen, as it is now. */
export const useRobots = (): ReadonlyMap<string, RobotState> => useStore(robots);
export const useQueueMetrics = (): QueueMetrics | null => useStore(queue);

/** Why a pending job waits, most telling first; empty when the stream has not said. */
export const usePendingReasons = (jobId: string): Reasons =>
  useSyncExternalStore(reasons.subscribe, () => reasons.get().get(jobId) ?? NONE);
