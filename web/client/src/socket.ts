import { backoffMs, HELD_MS, SLOW_MS } from "./backoff.js";
import { type Clock, systemClock } from "./clock.js";
import { closeRule, type Reconnect } from "./closeCodes.js";
import { asError, CasareError } from "./errors.js";

/** State of the connection of a stream.
 *
 * `stale`: connected, but no message since `since`. `retryAt` is the time of the next attempt in milliseconds since 1970;
 * null when there is none, because a close code or a refusal forbids it.
 */
export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  | { readonly state: "stale"; readonly since: number }
  | { readonly state: "offline"; readonly why: string; readonly code: number | null; readonly retryAt: number | null }
  | { readonly state: "paused" }
  | { readonly state: "stopped" };

/** A connection that reconnects by itself until it is stopped. */
export interface Stream {
  /** Connects, and reconnects after each loss.
   *
   * @throws {TypeError} this JavaScript engine has no `WebSocket` and the options name none
   */
  start(): void;
  /** Closes the connection until the next `start`. */
  stop(): void;
  /** Closes the connection until `resume`, which continues at the same position. Does nothing after a refusal. */
  pause(): void;
  resume(): void;
  /** Starts the next attempt now, without waiting for `retryAt`. */
  retryNow(): void;
  readonly connection: Connection;
}

export interface SocketOptions {
  /** Returns the address of the next connection, with a new ticket.
   *
   * An exception counts as a failed attempt. A CasareError with status 401 or 403 ends the attempts.
   */
  address: () => Promise<string>;
  /** Each address has a new credential: reconnect also after 4001, with which the server refuses or ends a credential. */
  renewsCredential?: boolean | undefined;
  /** Called when the connection is open. Messages sent from here are the first of the connection. */
  opened: (send: (text: string) => void) => void;
  message: (text: string) => void;
  changed: (connection: Connection) => void;
  /** Milliseconds without a message until the state is `stale`. After twice this time the socket reconnects. */
  staleAfterMs?: number | undefined;
  clock?: Clock | undefined;
  WebSocket?: typeof globalThis.WebSocket | undefined;
}

const OPEN = 1;
const CREDENTIAL_REFUSED = 4001;
/** Limit for the opening handshake. */
const OPENING_MS = 15_000;

/** A WebSocket that reconnects with full-jitter backoff, according to the rules of the close codes.
 *
 * Source: docs/reference/websocket-contract.md
 */
export class ReconnectingSocket implements Stream {
  readonly #options: SocketOptions;
  readonly #clock: Clock;
  #socket: WebSocket | null = null;
  #running = false;
  #attempt = 0;
  #cancelTimer: () => void = () => undefined;
  #cancelWatch: () => void = () => undefined;
  #openedAt = 0;
  #connection: Connection = { state: "stopped" };
  /** Number of the current attempt; callbacks of earlier attempts compare it and do nothing. */
  #generation = 0;

  constructor(options: SocketOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get connection(): Connection {
    return this.#connection;
  }

  start(): void {
    if (this.#running) return;
    if ((this.#options.WebSocket ?? globalThis.WebSocket) === undefined) {
      throw new TypeError("WebSocket: this version of Node has none; pass one in the options, such as the one of `ws`");
    }
    this.#running = true;
    this.#connectNow();
  }

  stop(): void {
    this.#running = false;
    this.#closeSocket();
    this.#setState({ state: "stopped" });
  }

  pause(): void {
    const { state } = this.#connection;
    if (!this.#running || state === "paused" || this.#refused()) return;
    this.#closeSocket();
    this.#setState({ state: "paused" });
  }

  resume(): void {
    if (this.#connection.state === "paused") this.#connectNow();
  }

  retryNow(): void {
    if (this.#connection.state === "offline") this.#connectNow();
  }

  /** Replaces the connection, because its messages have a gap or stopped.
   *
   * The first replacement is immediate; further ones wait with backoff until a connection has lasted 10 s.
   */
  renew(why: string): void {
    if (!this.#running) return;
    this.#resetBackoffIfStable();
    if (this.#attempt > 0) {
      this.#lost(null, why);
      return;
    }
    this.#attempt = 1;
    this.#closeSocket();
    void this.#connect();
  }

  /** Sends a text message; returns false when the socket is not open. */
  send(text: string): boolean {
    if (this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  #connectNow(): void {
    this.#attempt = 0;
    void this.#connect();
  }

  #refused(): boolean {
    return this.#connection.state === "offline" && this.#connection.retryAt === null;
  }

  async #connect(): Promise<void> {
    this.#cancelTimer();
    const generation = ++this.#generation;
    this.#setState({ state: "connecting" });
    let address: string;
    try {
      address = await this.#options.address();
    } catch (problem) {
      if (generation === this.#generation) this.#withoutAddress(problem);
      return;
    }
    if (generation !== this.#generation || !this.#running) return;
    const Socket = this.#options.WebSocket ?? globalThis.WebSocket;
    this.#listen(new Socket(address), generation);
  }

  #listen(socket: WebSocket, generation: number): void {
    this.#socket = socket;
    const mine = () => generation === this.#generation;
    const cancelOpening = this.#clock.after(OPENING_MS, () => socket.close());
    let refusal: string | null = null;
    socket.onopen = () => {
      cancelOpening();
      this.#openedAt = this.#clock.now();
      this.#received();
      if (mine()) this.#options.opened((text) => socket.send(text));
    };
    socket.onmessage = (event: MessageEvent) => {
      if (typeof event.data !== "string") return;
      this.#received();
      refusal = refusalOf(event.data) ?? refusal;
      if (mine()) this.#options.message(event.data);
    };
    // Errors are handled in `onclose`, which always follows. The handler exists because `ws` throws unhandled errors.
    socket.onerror = () => undefined;
    socket.onclose = (event: CloseEvent) => {
      cancelOpening();
      if (mine()) this.#lost(event.code, refusal ?? closeRule(event.code).meaning);
    };
  }

  /** Called for each message: sets the state to `live` and restarts the timer for `stale`. */
  #received(): void {
    const limit = this.#options.staleAfterMs;
    if (limit !== undefined) this.#watch(limit);
    if (this.#connection.state !== "live") this.#setState({ state: "live" });
  }

  #watch(limit: number): void {
    this.#cancelWatch();
    const since = this.#clock.now();
    this.#cancelWatch = this.#clock.after(limit, () => {
      this.#cancelWatch = this.#clock.after(limit, () => this.renew("no message arrived for too long"));
      this.#setState({ state: "stale", since });
    });
  }

  #withoutAddress(problem: unknown): void {
    const known = problem instanceof CasareError ? problem : null;
    const refused = known?.status === 401 || known?.status === 403;
    this.#lost(null, asError(problem).message, refused ? "no" : "yes", known?.retryAfterMs ?? 0);
  }

  #lost(code: number | null, why: string, rule: Reconnect = this.#ruleOf(code), leastMs = 0): void {
    this.#resetBackoffIfStable();
    this.#closeSocket();
    if (!this.#running) return;
    if (rule === "no") {
      this.#setState({ state: "offline", why, code, retryAt: null });
      return;
    }
    const wait = rule === "slowly" ? SLOW_MS : Math.max(leastMs, backoffMs(this.#attempt, this.#clock.random()));
    this.#attempt += 1;
    // Set before the callback runs, because the callback may call `stop`.
    this.#cancelTimer = this.#clock.after(wait, () => void this.#connect());
    this.#setState({ state: "offline", why, code, retryAt: this.#clock.now() + wait });
  }

  #ruleOf(code: number | null): Reconnect {
    if (code === null || (code === CREDENTIAL_REFUSED && this.#options.renewsCredential)) return "yes";
    return closeRule(code).reconnect;
  }

  /** Resets the backoff when the connection lasted at least 10 s. */
  #resetBackoffIfStable(): void {
    if (this.#openedAt > 0 && this.#clock.now() - this.#openedAt >= HELD_MS) this.#attempt = 0;
  }

  #closeSocket(): void {
    this.#cancelTimer();
    this.#cancelWatch();
    this.#generation += 1;
    this.#openedAt = 0;
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null; // `onerror` stays set, see above
    socket.close();
  }

  #setState(connection: Connection): void {
    this.#connection = connection;
    this.#options.changed(connection);
  }
}

/** Message of an AUTH_FAILED `error`, after which the server closes the connection; null for other messages. */
function refusalOf(text: string): string | null {
  if (!text.includes('"AUTH_FAILED"')) return null;
  const frame = JSON.parse(text) as { type?: string; payload?: { message?: string } };
  return frame.type === "error" ? (frame.payload?.message ?? null) : null;
}
