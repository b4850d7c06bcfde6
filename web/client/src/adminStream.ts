import { type Clock, systemClock } from "./clock.js";
import type { Endpoints } from "./endpoint.js";
import { CasareError } from "./errors.js";
import type { components } from "./messages.gen.js";
import { positionText } from "./position.js";
import { Sequence } from "./sequence.js";
import { type Connection, ReconnectingSocket } from "./socket.js";
import { SocketStream } from "./socketStream.js";

type Schemas = components["schemas"];
export type RobotState = Schemas["RobotState"];
export type JobUpdate = Schemas["JobUpdate"];
export type QueueMetrics = Schemas["QueueMetrics"];
export type Action = Schemas["Action"];

export interface AdminEvents {
  /** A snapshot: every open job once. Sent after the first connect, and after a reconnect that cannot replay all changes. */
  jobs?: (open: JobUpdate[]) => void;
  /** One job changed. Each change of status arrives once and in order; progress may be merged to the newest value. */
  job?: (update: JobUpdate) => void;
  /** The current state of a robot. Arrives for every robot after each connect, then at each change. */
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
  /** Cancels the deadline. */
  cancel: () => void;
}

/** Time without a message until the connection is `stale`: three times the 5 seconds between two `queue_metrics`. */
export const STALE_AFTER_MS = 15_000;
const COMMAND_MS = 15_000;
const PATH = "/ws/admin";

/** The endpoint /ws/admin: changes of robots, jobs and the queue without gaps, and commands with acknowledgements. */
export class AdminStream extends SocketStream {
  readonly #events: AdminEvents;
  readonly #clock: Clock;
  protected readonly socket: ReconnectingSocket;
  readonly #sequence: Sequence<JobUpdate>;
  readonly #waiting = new Map<string, Answer>();
  #commands = 0;

  constructor(endpoints: Endpoints, events: AdminEvents, options: StreamOptions = {}) {
    super();
    this.#events = events;
    this.#clock = options.clock ?? systemClock;
    this.#sequence = new Sequence<JobUpdate>({
      snapshot: (updates) => events.jobs?.(updates),
      update: (update) => events.job?.(update),
      gap: () => this.socket.renew("a job update is missing"),
    });
    this.socket = new ReconnectingSocket({
      ...options,
      address: () => endpoints.address(PATH, {}),
      renewsCredential: endpoints.renewsCredential,
      opened: (send) => this.#subscribe(send),
      message: (text) => this.#receive(JSON.parse(text) as Frame),
      changed: (connection) => this.#changed(connection),
      staleAfterMs: STALE_AFTER_MS,
    });
  }

  /** Sends a command; resolves when its effect is durable.
   *
   * @throws {CasareError} the server refused the command, or the acknowledgement did not arrive. In the second case the
   *   command may have been executed.
   */
  command(action: Action, targetId: string, reason?: string): Promise<void> {
    const id = `c-${++this.#commands}`;
    const payload = { action, target_id: targetId, ...(reason ? { reason } : {}) };
    if (!this.socket.send(JSON.stringify({ type: "command", id, payload }))) {
      return Promise.reject(new CasareError("not connected; the command was not sent", "INTERNAL_ERROR", 0));
    }
    return new Promise((resolve, reject) => {
      const noAnswer = new CasareError(
        "no acknowledgement within 15 s; the command may have been executed",
        "INTERNAL_ERROR",
        0,
      );
      const cancel = this.#clock.after(COMMAND_MS, () => this.#settle(id, noAnswer));
      this.#waiting.set(id, { resolve, reject, cancel });
    });
  }

  #subscribe(send: (text: string) => void): void {
    this.#sequence.begin();
    const position = this.#sequence.position;
    const since = position === null ? null : positionText(position);
    // Readers load what the streams do not have when the jobs are complete. What changes after that load must differ
    // from the first figures of the queue, so these come before the jobs.
    send(JSON.stringify({ type: "subscribe", payload: { channels: ["robots", "queue"] } }));
    send(JSON.stringify({ type: "subscribe", payload: { channels: ["jobs"], since } }));
  }

  #changed(connection: Connection): void {
    if (connection.state !== "live" && connection.state !== "stale") {
      for (const id of [...this.#waiting.keys()]) {
        this.#settle(
          id,
          new CasareError(
            "the connection was lost before the acknowledgement; the command may have been executed",
            "INTERNAL_ERROR",
            0,
          ),
        );
      }
    }
    this.#events.connection?.(connection);
  }

  #receive(frame: Frame): void {
    switch (frame.type) {
      case "job_update":
        this.#sequence.apply({
          kind: "update",
          update: frame.payload as JobUpdate,
          position:
            frame.epoch === undefined || frame.seq === undefined ? null : { epoch: frame.epoch, seq: frame.seq },
        });
        break;
      case "subscribed":
        this.#sequence.apply({ kind: "subscribed", ...placed(frame.payload as Schemas["Subscribed"]) });
        break;
      case "snapshot_end":
        this.#sequence.apply({ kind: "snapshot_end", ...placed(frame.payload as Schemas["SnapshotEnd"]) });
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
      default: // newer servers may send other types; the contract says to ignore them
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
