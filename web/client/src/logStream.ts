import type { StreamOptions } from "./adminStream.js";
import type { Endpoints } from "./endpoint.js";
import type { Level } from "./levels.js";
import type { components } from "./messages.gen.js";
import { type Connection, ReconnectingSocket } from "./socket.js";
import { SocketStream } from "./socketStream.js";

type Schemas = components["schemas"];

/** A log line. `logId` is its position in the store; `seq` numbers the lines of its robot without gaps. */
export interface LogLine extends Omit<Schemas["LogMessage"], "level"> {
  level: Level;
  logId: number;
  seq: number;
}

export interface LogEvents {
  /** Lines in ascending order of `logId`, each once. */
  line: (line: LogLine) => void;
  /** Number of lines missing before the next one, because this client read too slowly or was disconnected for too long. */
  dropped?: (count: number) => void;
  connection?: (connection: Connection) => void;
}

export interface LogOptions extends StreamOptions {
  /** Lines of this robot only; default: all robots. */
  robotId?: string | undefined;
  tenantId?: string | undefined;
  minLevel?: Level | undefined;
  /** Number of stored lines to start with, at most 10,000. */
  tail?: number | undefined;
  /** Start after the line with this `logId`; takes precedence over `tail`. */
  since?: number | undefined;
}

interface Frame {
  type: string;
  log_id?: number;
  seq?: number;
  dropped?: number;
  payload: Schemas["LogMessage"];
}

/** The endpoints /ws/logs and /ws/logs/{robot_id}: log lines, continued after the last one on each reconnect.
 *
 * Without `since`, a connection that is lost before its first line has no position: its successor starts like a new stream.
 */
export class LogStream extends SocketStream {
  readonly #events: LogEvents;
  readonly #options: LogOptions;
  protected readonly socket: ReconnectingSocket;
  #last: number | null;

  constructor(endpoints: Endpoints, events: LogEvents, options: LogOptions = {}) {
    super();
    this.#events = events;
    this.#options = options;
    this.#last = options.since ?? null;
    const path = options.robotId === undefined ? "/ws/logs" : `/ws/logs/${encodeURIComponent(options.robotId)}`;
    this.socket = new ReconnectingSocket({
      clock: options.clock,
      WebSocket: options.WebSocket,
      address: () => endpoints.address(path, this.#parameters()),
      renewsCredential: endpoints.renewsCredential,
      opened: () => undefined,
      message: (text) => this.#receive(JSON.parse(text) as Frame),
      changed: (connection) => events.connection?.(connection),
    });
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

  #receive(frame: Frame): void {
    if (frame.type !== "log" || frame.log_id === undefined) return;
    if (this.#last !== null && frame.log_id <= this.#last) return;
    this.#last = frame.log_id;
    if (frame.dropped !== undefined) this.#events.dropped?.(frame.dropped);
    this.#events.line({ ...frame.payload, logId: frame.log_id, seq: frame.seq ?? 0 });
  }
}
