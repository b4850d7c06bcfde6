import { type Clock, systemClock } from "./clock.js";
import type { Endpoints } from "./endpoint.js";
import { CasareError } from "./errors.js";
import type { components } from "./messages.gen.js";
import { positionText } from "./position.js";
import { Sequence } from "./sequence.js";
import { type Connection, ReconnectingSocket, type Stream } from "./socket.js";

type Schemas = components["schemas"];
export type RobotState = Schemas["RobotState"];
export type JobUpdate = Schemas["JobUpdate"];
export type QueueMetrics = Schemas["QueueMetrics"];
export type Action = Schemas["Action"];

export interface AdminEvents {
  /** Every job that is open, each once, at the beginning and whenever it cannot be told what was missed. */
  jobs?: (open: JobUpdate[]) => void;
  /** One job changed: each change of status once and in order; of progress the newest. */
  job?: (update: JobUpdate) => void;
  /** A robot as it is now. Told of all of them after each connect. */
  robot?: (state: RobotState) => void;
  queue?: (metrics: QueueMetrics) => void;
  connection?: (connection: Connection) => void;
}

export interface StreamOptions {
  clock?: Clock | undefined;
  WebSocket?: typeof globalThis.WebSocket | undefined;
}

interface Frame {
  type: string;
  id?: string;
  epoch?: string;
  seq?: number;
  payload: unknown;
}

interface Answer {
  resolve: () => void;
  reject: (problem: Error) => void;
  /** Takes back the deadline. */
  cancel: () => void;
}

/** `queue_metrics` comes at least every 5 seconds. */
const STALE_AFTER_MS = 15_000;
const COMMAND_MS = 15_000;
const PATH = "/ws/admin";

/** /ws/admin as one gap-free stream: robots, jobs and the queue, and commands that are answered. */
export class AdminStream implements Stream {
  readonly #events: AdminEvents;
  readonly #clock: Clock;
  readonly #socket: ReconnectingSocket;
  readonly #sequence: Sequence<JobUpdate>;
  readonly #waiting = new Map<string, Answer>();
  #commands = 0;

  constructor(endpoints: Endpoints, events: AdminEvents, options: StreamOptions = {}) {
    this.#events = events;
    this.#clock = options.clock ?? systemClock;
    this.#sequence = new Sequence<JobUpdate>({
      snapshot: (updates) => events.jobs?.(updates),
      update: (update) => events.job?.(update),
      gap: () => this.#socket.renew("a change was left out"),
    });
    this.#socket = new ReconnectingSocket({
      ...options,
      address: () => endpoints.address(PATH, {}),
      opened: (send) => this.#subscribe(send),
      message: (text) => this.#take(JSON.parse(text) as Frame),
      changed: (connection) => this.#changed(connection),
      staleAfterMs: STALE_AFTER_MS,
    });
  }

  get connection(): Connection {
    return this.#socket.connection;
  }

  start(): void {
    this.#socket.start();
  }

  stop(): void {
    this.#socket.stop();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  retryNow(): void {
    this.#socket.retryNow();
  }

  /** Order something; resolves when it is durable.
   *
   * @throws {CasareError} refused, or not answered: then nobody knows whether it was done
   */
  command(action: Action, targetId: string, reason?: string): Promise<void> {
    const id = `c-${++this.#commands}`;
    const payload = { action, target_id: targetId, ...(reason ? { reason } : {}) };
    if (!this.#socket.send(JSON.stringify({ type: "command", id, payload }))) {
      return Promise.reject(new CasareError("not connected; nothing was sent", "INTERNAL_ERROR", 0));
    }
    return new Promise((resolve, reject) => {
      const noAnswer = new CasareError("no answer", "INTERNAL_ERROR", 0);
      const cancel = this.#clock.after(COMMAND_MS, () => this.#settle(id, noAnswer));
      this.#waiting.set(id, { resolve, reject, cancel });
    });
  }

  #subscribe(send: (text: string) => void): void {
    this.#sequence.begin();
    const position = this.#sequence.position;
    const since = position === null ? null : positionText(position);
    send(JSON.stringify({ type: "subscribe", payload: { channels: ["jobs"], since } }));
    send(JSON.stringify({ type: "subscribe", payload: { channels: ["robots", "queue"] } }));
  }

  #changed(connection: Connection): void {
    if (connection.state !== "live" && connection.state !== "stale") {
      for (const id of [...this.#waiting.keys()]) {
        this.#settle(id, new CasareError("the connection was lost before the answer", "INTERNAL_ERROR", 0));
      }
    }
    this.#events.connection?.(connection);
  }

  #take(frame: Frame): void {
    switch (frame.type) {
      case "job_update":
        this.#sequence.take({
          kind: "update",
          update: frame.payload as JobUpdate,
          position:
            frame.epoch === undefined || frame.seq === undefined ? null : { epoch: frame.epoch, seq: frame.seq },
        });
        break;
      case "subscribed":
        this.#sequence.take({ kind: "subscribed", ...placed(frame.payload as Schemas["Subscribed"]) });
        break;
      case "snapshot_end":
        this.#sequence.take({ kind: "snapshot_end", ...placed(frame.payload as Schemas["SnapshotEnd"]) });
        break;
      case "robot_status":
        this.#events.robot?.(frame.payload as RobotState);
        break;
      case "queue_metrics":
        this.#events.queue?.(frame.payload as QueueMetrics);
        break;
      case "ack":
        this.#settle(String((frame.payload as Schemas["Ack"]).id), null);
        break;
      case "error": {
        const { code, message } = frame.payload as Schemas["Error"];
        if (frame.id !== undefined) this.#settle(frame.id, new CasareError(message, code, 0));
        break;
      }
      default: // a newer server may say more; what is not known is not for us
        break;
    }
  }

  #settle(id: string, problem: Error | null): void {
    const answer = this.#waiting.get(id);
    this.#waiting.delete(id);
    answer?.cancel();
    if (problem === null) answer?.resolve();
    else answer?.reject(problem);
  }
}

function placed<T extends { epoch: string; seq: number }>({ epoch, seq, ...rest }: T) {
  return { ...rest, position: { epoch, seq } };
}
