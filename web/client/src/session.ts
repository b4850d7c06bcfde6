import { type Clock, systemClock } from "./clock.js";
import { CasareError } from "./errors.js";
import { createHttpClient, data, type HttpClient } from "./http.js";

/** Storage that lets a session survive a reload, such as `sessionStorage`. */
export type SessionStore = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export interface SessionOptions {
  baseUrl?: string | undefined;
  store?: SessionStore | undefined;
  clock?: Clock | undefined;
  fetch?: ((request: Request) => Promise<Response>) | undefined;
}

export interface SessionState {
  readonly signedIn: boolean;
  /** The session expired or the server refused its token. False after `signOut`. */
  readonly ended: boolean;
}

const KEY = "casare-session";
const REFRESH_AT = 0.5;
const RETRY_MS = 10_000;

interface StoredSession {
  token: string;
  expiresAt: number;
}

/** The session of a user: a token that is refreshed at half of its lifetime, and an HTTP client that sends it. */
export class Session {
  readonly http: HttpClient;
  #state: SessionState = { signedIn: false, ended: false };
  #current: StoredSession | null = null;
  #cancelRefresh: () => void = () => undefined;
  readonly #clock: Clock;
  readonly #store: SessionStore | undefined;
  readonly #readers = new Set<() => void>();

  constructor(options: SessionOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#store = options.store;
    this.http = createHttpClient({
      baseUrl: options.baseUrl,
      fetch: options.fetch,
      token: () => this.#current?.token ?? null,
    });
    this.http.use({
      onResponse: ({ request, response, schemaPath }) => {
        if (response.status !== 401 || schemaPath === "/api/v1/auth/login" || schemaPath === "/api/v1/auth/link")
          return;
        // A 401 for an earlier token does not end the session of the current token.
        if (request.headers.get("Authorization") === `Bearer ${this.#current?.token}`) this.#end(true);
      },
    });
    this.#restore();
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Calls `read` after each change of `state`; returns a function that unsubscribes. */
  readonly subscribe = (read: () => void): (() => void) => {
    this.#readers.add(read);
    return () => this.#readers.delete(read);
  };

  /** Signs in.
   *
   * @throws {CasareError} wrong user or password (401), too many attempts (429), server not reachable (0)
   */
  async login(username: string, password: string): Promise<void> {
    const token = await data(this.http.POST("/api/v1/auth/login", { body: { username, password } }));
    this.#setToken(token.access_token, token.expires_in);
    this.#setState({ signedIn: true, ended: false });
  }

  /** Signs in with the code of a sign-in link, which becomes invalid.
   *
   * @throws {CasareError} the code is unknown, used or expired (401), server not reachable (0)
   */
  async loginByLink(code: string): Promise<void> {
    const token = await data(this.http.POST("/api/v1/auth/link", { body: { code } }));
    this.#setToken(token.access_token, token.expires_in);
    this.#setState({ signedIn: true, ended: false });
  }

  /** Signs out: ends the session here at once, then on the server, which closes its sockets.
   *
   * A server that cannot be reached leaves the token valid until it expires.
   */
  readonly signOut = async (): Promise<void> => {
    const kept = this.#current;
    this.#end(false);
    if (kept === null) return;
    const headers = { Authorization: `Bearer ${kept.token}` };
    try {
      await data(this.http.POST("/api/v1/auth/logout", { headers }));
    } catch (problem) {
      if (!(problem instanceof CasareError)) throw problem; // else: expired or ended before, or not reachable
    }
  };

  #restore(): void {
    const text = this.#store?.getItem(KEY);
    if (text == null) return;
    const kept = storedIn(text);
    if (kept === null || kept.expiresAt <= this.#clock.now()) {
      this.#end(true);
      return;
    }
    this.#current = kept;
    this.#state = { signedIn: true, ended: false };
    void this.#refresh();
  }

  #setToken(token: string, lifeSeconds: number): void {
    this.#current = { token, expiresAt: this.#clock.now() + lifeSeconds * 1000 };
    this.#store?.setItem(KEY, JSON.stringify(this.#current));
    this.#scheduleRefresh(lifeSeconds * 1000 * REFRESH_AT);
  }

  #scheduleRefresh(ms: number): void {
    this.#cancelRefresh();
    this.#cancelRefresh = this.#clock.after(ms, () => void this.#refresh());
  }

  async #refresh(): Promise<void> {
    const kept = this.#current;
    if (kept === null) return;
    try {
      const token = await data(this.http.POST("/api/v1/auth/refresh", { body: { token: kept.token } }));
      if (this.#current === kept) this.#setToken(token.access_token, token.expires_in);
    } catch (problem) {
      if (!(problem instanceof CasareError)) throw problem;
      if (this.#current !== kept) return; // signed out or ended by a 401 in the meantime
      if (kept.expiresAt <= this.#clock.now()) this.#end(true);
      else this.#scheduleRefresh(Math.max(RETRY_MS, problem.retryAfterMs ?? 0));
    }
  }

  #end(ended: boolean): void {
    this.#cancelRefresh();
    this.#current = null;
    this.#store?.removeItem(KEY);
    this.#setState({ signedIn: false, ended: ended && (this.#state.signedIn || this.#state.ended) });
  }

  #setState(state: SessionState): void {
    this.#state = state;
    for (const read of this.#readers) read();
  }
}

/** The stored session; null when the text is not one. */
function storedIn(text: string): StoredSession | null {
  try {
    const kept = JSON.parse(text) as Partial<StoredSession> | null;
    return typeof kept?.token === "string" && typeof kept.expiresAt === "number" ? (kept as StoredSession) : null;
  } catch (problem) {
    if (problem instanceof SyntaxError) return null;
    throw problem;
  }
}
