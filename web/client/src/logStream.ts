import type { StreamOptions } from "./adminStream.js";
import type { Endpoints } from "./endpoint.js";
import type { components } from "./messages.gen.js";
import { type Connection, ReconnectingSocket, type Stream } from "./socket.js";

type Schemas = components["schemas"];
export type Level = Schemas["Level"];

/** A line with its place in the store (`logId`) and among the lines of its robot (`seq`: a hole is a gap). */
export interface LogLine extends Omit<Schemas["LogMessage"], "level"> {
  level: Level;
  logId: number;
  seq: number;
}

export interface LogEvents {
  /** In order of arrival, each once. */
  line: (line: LogLine) => void;
  /** So many lines before the next one were lost, as this viewer read too slowly or was away for too long. */
  dropped?: (count: number) => void;
  connection?: (connection: Connection) => void;
}

export interface LogOptions extends StreamOptions {
  /** Of one robot; of all when absent. */
  robotId?: string | undefined;
  tenantId?: string | undefined;
  minLevel?: Level | undefined;
  /** Begin with so many of the last lines, at most 10,000. */
  tail?: number | undefined;
  /** Begin behind this line instead. */
  since?: number | undefined;
}

interface Frame {
  type: string;
  log_id?: number;
  seq?: number;
  dropped?: number;
  payload: Schemas["LogMessage"];
}

/** /ws/logs or /ws/logs/{robot_id}: lines that go on where they were after each reconnect.
 *
 * Before a first line came there is nowhere to go on from, unless `since` says it: such a reconnect begins anew.
 */
export class LogStream implements Stream {
  readonly #events: LogEvents;
  readonly #options: LogOptions;
  readonly #socket: ReconnectingSocket;
  #last: number | null;

  constructor(endpoints: Endpoints, events: LogEvents, options: LogOptions = {}) {
    this.#events = events;
    this.#options = options;
    this.#last = options.since ?? null;
    const path = options.robotId === undefined ? "/ws/logs" : `/ws/logs/${encodeURIComponent(options.robotId)}`;
    this.#socket = new ReconnectingSocket({
      clock: options.clock,
      WebSocket: options.WebSocket,
      address: () => endpoints.address(path, this.#parameters()),
      opened: () => undefined,
      message: (text) => this.#take(JSON.parse(text) as Frame),
      changed: (connection) => events.connection?.(connection),
    });
  }

  get connection(): Connection {
    return this.#socket.connection;
  }

  start(): void {
    this.#socket.start();
  }

  /** Close; `start` goes on behind the last line. */
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

  #parameters(): Record<string, string> {
    const { minLevel, tenantId, tail } = this.#options;
    const begin =
      this.#last !== null ? { since: String(this.#last) } : tail === undefined ? {} : { tail: String(tail) };
    return {
      ...(minLevel === undefined ? {} : { min_level: minLevel }),
      ...(tenantId === undefined ? {} : { tenant_id: tenantId }),
      ...begin,
    };
  }

  #take(frame: Frame): void {
    if (frame.type !== "log" || frame.log_id === undefined) return;
    if (this.#last !== null && frame.log_id <= this.#last) return;
    this.#last = frame.log_id;
    if (frame.dropped !== undefined) this.#events.dropped?.(frame.dropped);
    this.#events.line({ ...frame.payload, logId: frame.log_id, seq: frame.seq ?? 0 });
  }
}
