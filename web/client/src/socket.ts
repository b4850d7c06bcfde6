import { backoffMs, HELD_MS, SLOW_MS } from "./backoff.js";
import { type Clock, systemClock } from "./clock.js";
import { closeRule } from "./closeCodes.js";

/** What a stream is doing. `retryAt` is in milliseconds since 1970; null: it will not try again by itself. */
export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  | { readonly state: "stale"; readonly since: number }
  | { readonly state: "offline"; readonly why: string; readonly code: number | null; readonly retryAt: number | null }
  | { readonly state: "stopped" };

export interface SocketOptions {
  /** The address for the next connection, with a fresh ticket in it. What it throws counts as a failed try. */
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
export class ReconnectingSocket {
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
    this.#running = true;
    this.#attempt = 0;
    void this.#connect();
  }

  /** Close, and stay closed until `start`. */
  stop(): void {
    this.#running = false;
    this.#drop();
    this.#tell({ state: "stopped" });
  }

  /** Do not wait for the next try. */
  retryNow(): void {
    if (!this.#running || this.#socket !== null || this.#connection.state === "connecting") return;
    this.#attempt = 0;
    void this.#connect();
  }

  /** Give this connection up and make another at once: what it told cannot be right. */
  renew(): void {
    if (!this.#running) return;
    this.#drop();
    void this.#connect();
  }

  /** False when there is no connection. */
  send(text: string): boolean {
    if (this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  async #connect(): Promise<void> {
    this.#cancelTimer();
    const generation = ++this.#generation;
    this.#tell({ state: "connecting" });
    let address: string;
    try {
      address = await this.#options.address();
    } catch (problem) {
      if (generation === this.#generation)
        this.#lost(null, problem instanceof Error ? problem.message : String(problem));
      return;
    }
    if (generation !== this.#generation || !this.#running) return;
    const Socket = this.#options.WebSocket ?? globalThis.WebSocket;
    if (Socket === undefined)
      throw new TypeError("WebSocket: this Node has none of its own; give one, such as that of `ws`");
    const socket = new Socket(address);
    this.#socket = socket;
    const mine = () => generation === this.#generation;
    const cancelOpening = this.#clock.after(OPENING_MS, () => socket.close());
    let refusal: string | null = null;
    socket.onopen = () => {
      cancelOpening();
      if (!mine()) return socket.close();
      this.#openedAt = this.#clock.now();
      this.#heard();
      this.#options.opened((text) => socket.send(text));
    };
    socket.onmessage = (event: MessageEvent) => {
      if (!mine() || typeof event.data !== "string") return;
      this.#heard();
      refusal = refusalOf(event.data) ?? refusal;
      this.#options.message(event.data);
    };
    socket.onclose = (event: CloseEvent) => {
      cancelOpening();
      if (mine()) this.#lost(event.code, refusal ?? closeRule(event.code).meaning);
    };
  }

  /** Something arrived: it is live, and the watch for silence begins anew. */
  #heard(): void {
    if (this.#connection.state !== "live") this.#tell({ state: "live" });
    const limit = this.#options.staleAfterMs;
    if (limit === undefined) return;
    this.#cancelWatch();
    const since = this.#clock.now();
    this.#cancelWatch = this.#clock.after(limit, () => {
      this.#tell({ state: "stale", since });
      this.#cancelWatch = this.#clock.after(limit, () => this.renew());
    });
  }

  #lost(code: number | null, why: string): void {
    if (this.#socket !== null && this.#openedAt > 0 && this.#clock.now() - this.#openedAt >= HELD_MS) this.#attempt = 0;
    this.#drop();
    const rule = code === null ? "yes" : closeRule(code).reconnect;
    if (!this.#running) return;
    if (rule === "no") {
      this.#tell({ state: "offline", why, code, retryAt: null });
      return;
    }
    const wait = rule === "slowly" ? SLOW_MS : backoffMs(this.#attempt, this.#clock.random());
    this.#attempt += 1;
    this.#tell({ state: "offline", why, code, retryAt: this.#clock.now() + wait });
    this.#cancelTimer = this.#clock.after(wait, () => void this.#connect());
  }

  #drop(): void {
    this.#cancelTimer();
    this.#cancelWatch();
    this.#generation += 1;
    this.#openedAt = 0;
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
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
