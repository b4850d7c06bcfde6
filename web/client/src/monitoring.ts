import type { StreamOptions } from "./adminStream.js";
import type { Endpoints } from "./endpoint.js";
import type { components } from "./messages.gen.js";
import { positionText } from "./position.js";
import { Sequence } from "./sequence.js";
import { type Connection, ReconnectingSocket, type Stream } from "./socket.js";

type Schemas = components["schemas"];
export type LiveJob = Schemas["LiveJob"];
export type RobotHeartbeat = Schemas["RobotHeartbeat"];
export type QueueDepth = Schemas["QueueDepth"];

/** Three times the 5 seconds between two `queue_metrics`. */
const STALE_AFTER_MS = 15_000;

export interface LiveJobEvents {
  /** A snapshot: every open job once. Sent after the first connect, and after a reconnect that cannot replay all changes. */
  jobs?: (open: LiveJob[]) => void;
  job: (job: LiveJob) => void;
  connection?: (connection: Connection) => void;
}

type Flat = { type: string; recovered?: boolean; epoch?: string; seq?: number };

/** The endpoint /ws/monitoring/live-jobs: each change of a job's state once and in order. */
export function liveJobs(endpoints: Endpoints, events: LiveJobEvents, options: StreamOptions = {}): Stream {
  const sequence: Sequence<LiveJob> = new Sequence<LiveJob>({
    snapshot: (jobs) => events.jobs?.(jobs),
    update: events.job,
    gap: () => socket.renew("a job update is missing"),
  });
  const socket: ReconnectingSocket = new ReconnectingSocket({
    ...options,
    address: () => {
      const position = sequence.position;
      return endpoints.address("/ws/monitoring/live-jobs", { since: position === null ? "" : positionText(position) });
    },
    renewsCredential: endpoints.renewsCredential,
    opened: () => sequence.begin(),
    message: (text) => receive(sequence, JSON.parse(text) as Flat),
    changed: (connection) => events.connection?.(connection),
  });
  return socket;
}

function receive(sequence: Sequence<LiveJob>, frame: Flat): void {
  const { type, epoch, seq, recovered, ...rest } = frame;
  const position = epoch === undefined || seq === undefined ? null : { epoch, seq };
  if (type === "job_update") sequence.apply({ kind: "update", update: rest as unknown as LiveJob, position });
  if (position === null) return;
  if (type === "subscribed") sequence.apply({ kind: "subscribed", recovered: recovered === true, position });
  if (type === "snapshot_end") sequence.apply({ kind: "snapshot_end", position });
}

export interface TickEvents<T> {
  state: (state: T) => void;
  connection?: (connection: Connection) => void;
}

/** The endpoint /ws/monitoring/robot-status: the state of each robot every 5 seconds and at each change. */
export function robotStatus(
  endpoints: Endpoints,
  events: TickEvents<RobotHeartbeat>,
  options: StreamOptions = {},
): Stream {
  return ticks("/ws/monitoring/robot-status", "robot_heartbeat", endpoints, events, options);
}

/** The endpoint /ws/monitoring/queue-metrics: the number of pending jobs every 5 seconds and at each change. */
export function queueMetrics(
  endpoints: Endpoints,
  events: TickEvents<QueueDepth>,
  options: StreamOptions = {},
): Stream {
  return ticks("/ws/monitoring/queue-metrics", "queue_metrics", endpoints, events, {
    ...options,
    staleAfterMs: STALE_AFTER_MS,
  });
}

function ticks<T>(
  path: string,
  type: string,
  endpoints: Endpoints,
  events: TickEvents<T>,
  options: StreamOptions & { staleAfterMs?: number },
): Stream {
  return new ReconnectingSocket({
    ...options,
    address: () => endpoints.address(path, {}),
    renewsCredential: endpoints.renewsCredential,
    opened: () => undefined,
    message: (text) => {
      const frame = JSON.parse(text) as { type: string };
      if (frame.type === type) events.state(frame as unknown as T);
    },
    changed: (connection) => events.connection?.(connection),
  });
}
