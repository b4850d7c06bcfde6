import { backoffMs, HELD_MS, SLOW_MS } from "./backoff.js";
import { type Clock, systemClock } from "./clock.js";
import { closeRule, type Reconnect } from "./closeCodes.js";
import { CasareError } from "./errors.js";

/** What a stream is doing. `retryAt` is in milliseconds since 1970; null: it will not try again by itself. */
export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  | { readonly state: "stale"; readonly since: number }
  | { readonly state: "offline"; readonly why: string; readonly code: number | null; readonly retryAt: number | null }
  | { readonly state: "paused" }
  | { readonly state: "stopped" };

/** What every stream can be told to do. */
export interface Stream {
  /** Connect, and stay connected. @throws {TypeError} there is no WebSocket */
  start(): void;
  /** Close, and stay closed until `start`. */
  stop(): void;
  /** Close while nobody looks; `resume` goes on where it was. A stream that was refused stays as it is. */
  pause(): void;
  resume(): void;
  /** Do not wait for the next try. */
  retryNow(): void;
  readonly connection: Connection;
}

export interface SocketOptions {
  /** The address for the next connection, with a fresh ticket in it. What it throws counts as a failed try; when that
   * is a refusal (401, 403), as one for good. */
  address: () => Promise<string>;
  /** The connection is open; what is sent now is the first that the server hears. */
  opened: (send: (text: string) => void) => void;
  message: (text: string) => void;
  changed: (connection: Connection) => void;
  /** How long nothing may be heard before what is known counts as stale; twice as long, and it connects anew. */
  staleAfterMs?: number | undefined;
  clock?: Clock | undefined;
  WebSocket?: typeof globalThis.WebSocket | undefined;
}

const OPEN = 1;
/** A handshake that takes longer is given up. */
const OPENING_MS = 15_000;

/** One WebSocket that comes back: full-jitter waits, the rules of the close codes, a fresh ticket for each try. */
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
  /** Tells a try that was overtaken from the present one. */
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
      throw new TypeError("WebSocket: this Node has none of its own; give one, such as that of `ws`");
    }
    this.#running = true;
    this.#again();
  }

  stop(): void {
    this.#running = false;
    this.#drop();
    this.#tell({ state: "stopped" });
  }

  pause(): void {
    const { state } = this.#connection;
    if (!this.#running || state === "paused" || this.#refused()) return;
    this.#drop();
    this.#tell({ state: "paused" });
  }

  resume(): void {
    if (this.#connection.state === "paused") this.#again();
  }

  retryNow(): void {
    if (this.#connection.state === "offline") this.#again();
  }

  /** Give this connection up and make another: what it told cannot be right. At once, but not time after time. */
  renew(why: string): void {
    if (!this.#running) return;
    this.#forgiveIfHeld();
    if (this.#attempt > 0) {
      this.#lost(null, why);
      return;
    }
    this.#attempt = 1;
    this.#drop();
    void this.#connect();
  }

  /** False when there is no connection. */
  send(text: string): boolean {
    if (this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  #again(): void {
    this.#attempt = 0;
    void this.#connect();
  }

  #refused(): boolean {
    return this.#connection.state === "offline" && this.#connection.retryAt === null;
  }

  async #connect(): Promise<void> {
    this.#cancelTimer();
    const generation = ++this.#generation;
    this.#tell({ state: "connecting" });
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
      this.#heard();
      if (mine()) this.#options.opened((text) => socket.send(text));
    };
    socket.onmessage = (event: MessageEvent) => {
      if (typeof event.data !== "string") return;
      this.#heard();
      refusal = refusalOf(event.data) ?? refusal;
      if (mine()) this.#options.message(event.data);
    };
    // A close follows, and says all there is to say; but where nobody listens to errors, `ws` throws them.
    socket.onerror = () => undefined;
    socket.onclose = (event: CloseEvent) => {
      cancelOpening();
      if (mine()) this.#lost(event.code, refusal ?? closeRule(event.code).meaning);
    };
  }

  /** Something arrived: it is live, and the watch for silence begins anew. */
  #heard(): void {
    const limit = this.#options.staleAfterMs;
    if (limit !== undefined) this.#watch(limit);
    if (this.#connection.state !== "live") this.#tell({ state: "live" });
  }

  #watch(limit: number): void {
    this.#cancelWatch();
    const since = this.#clock.now();
    this.#cancelWatch = this.#clock.after(limit, () => {
      this.#cancelWatch = this.#clock.after(limit, () => this.renew("nothing was heard for too long"));
      this.#tell({ state: "stale", since });
    });
  }

  #withoutAddress(problem: unknown): void {
    const why = problem instanceof Error ? problem.message : String(problem);
    const known = problem instanceof CasareError ? problem : null;
    const refused = known?.status === 401 || known?.status === 403;
    this.#lost(null, why, refused ? "no" : "yes", known?.retryAfterMs ?? 0);
  }

  #lost(
    code: number | null,
    why: string,
    rule: Reconnect = code === null ? "yes" : closeRule(code).reconnect,
    leastMs = 0,
  ): void {
    this.#forgiveIfHeld();
    this.#drop();
    if (!this.#running) return;
    if (rule === "no") {
      this.#tell({ state: "offline", why, code, retryAt: null });
      return;
    }
    const wait = rule === "slowly" ? SLOW_MS : Math.max(leastMs, backoffMs(this.#attempt, this.#clock.random()));
    this.#attempt += 1;
    // Before it is told: whoever hears of it may stop it.
    this.#cancelTimer = this.#clock.after(wait, () => void this.#connect());
    this.#tell({ state: "offline", why, code, retryAt: this.#clock.now() + wait });
  }

  /** A connection that held makes this a new misfortune, not the old one going on. */
  #forgiveIfHeld(): void {
    if (this.#openedAt > 0 && this.#clock.now() - this.#openedAt >= HELD_MS) this.#attempt = 0;
  }

  #drop(): void {
    this.#cancelTimer();
    this.#cancelWatch();
    this.#generation += 1;
    this.#openedAt = 0;
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null; // errors stay heard
    socket.close();
  }

  #tell(connection: Connection): void {
    this.#connection = connection;
    this.#options.changed(connection);
  }
}

/** The sentence of an `error` that closes the connection. */
function refusalOf(text: string): string | null {
  if (!text.includes('"AUTH_FAILED"')) return null;
  const frame = JSON.parse(text) as { type?: string; payload?: { message?: string } };
  return frame.type === "error" ? (frame.payload?.message ?? null) : null;
}
