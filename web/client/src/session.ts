import { type Clock, systemClock } from "./clock.js";
import { CasareError } from "./errors.js";
import { createHttpClient, data, type HttpClient } from "./http.js";

/** Where a session survives a reload: `sessionStorage`, or nothing. */
export type SessionStore = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export interface SessionOptions {
  baseUrl?: string | undefined;
  store?: SessionStore | undefined;
  clock?: Clock | undefined;
  fetch?: ((request: Request) => Promise<Response>) | undefined;
}

export interface SessionState {
  readonly signedIn: boolean;
  /** It was signed in, and the server or the clock ended that; after `signOut` false. */
  readonly ended: boolean;
}

const KEY = "casare-session";
const REFRESH_AT = 0.5;
const RETRY_MS = 10_000;

interface Kept {
  token: string;
  expiresAt: number;
}

/** A signed-in user: a token that is renewed at half of its life, and `http` that carries it. */
export class Session {
  readonly http: HttpClient;
  #state: SessionState = { signedIn: false, ended: false };
  #kept: Kept | null = null;
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
      token: () => this.#kept?.token ?? null,
    });
    this.http.use({
      onResponse: ({ request, response, schemaPath }) => {
        if (response.status !== 401 || schemaPath === "/api/v1/auth/login") return;
        // What was asked with an earlier token says nothing of this one.
        if (request.headers.get("Authorization") === `Bearer ${this.#kept?.token}`) this.#end(true);
      },
    });
    this.#restore();
  }

  get state(): SessionState {
    return this.#state;
  }

  readonly subscribe = (read: () => void): (() => void) => {
    this.#readers.add(read);
    return () => this.#readers.delete(read);
  };

  /** @throws {CasareError} wrong user or password (401), too many tries (429) */
  async login(username: string, password: string): Promise<void> {
    const token = await data(this.http.POST("/api/v1/auth/login", { body: { username, password } }));
    this.#keep(token.access_token, token.expires_in);
    this.#tell({ signedIn: true, ended: false });
  }

  readonly signOut = (): void => this.#end(false);

  #restore(): void {
    const text = this.#store?.getItem(KEY);
    if (text == null) return;
    const kept = keptIn(text);
    if (kept === null || kept.expiresAt <= this.#clock.now()) {
      this.#end(true);
      return;
    }
    this.#kept = kept;
    this.#state = { signedIn: true, ended: false };
    void this.#refresh();
  }

  #keep(token: string, lifeSeconds: number): void {
    this.#kept = { token, expiresAt: this.#clock.now() + lifeSeconds * 1000 };
    this.#store?.setItem(KEY, JSON.stringify(this.#kept));
    this.#plan(lifeSeconds * 1000 * REFRESH_AT);
  }

  #plan(ms: number): void {
    this.#cancelRefresh();
    this.#cancelRefresh = this.#clock.after(ms, () => void this.#refresh());
  }

  async #refresh(): Promise<void> {
    const kept = this.#kept;
    if (kept === null) return;
    try {
      const token = await data(this.http.POST("/api/v1/auth/refresh", { body: { token: kept.token } }));
      if (this.#kept === kept) this.#keep(token.access_token, token.expires_in);
    } catch (problem) {
      if (!(problem instanceof CasareError)) throw problem;
      if (this.#kept !== kept) return; // signed out meanwhile, or a 401 ended it
      if (kept.expiresAt <= this.#clock.now()) this.#end(true);
      else this.#plan(Math.max(RETRY_MS, problem.retryAfterMs ?? 0));
    }
  }

  #end(ended: boolean): void {
    this.#cancelRefresh();
    this.#kept = null;
    this.#store?.removeItem(KEY);
    this.#tell({ signedIn: false, ended: ended && (this.#state.signedIn || this.#state.ended) });
  }

  #tell(state: SessionState): void {
    this.#state = state;
    for (const read of this.#readers) read();
  }
}

/** What the store kept; null when that is nothing of ours. */
function keptIn(text: string): Kept | null {
  try {
    const kept = JSON.parse(text) as Partial<Kept> | null;
    return typeof kept?.token === "string" && typeof kept.expiresAt === "number" ? (kept as Kept) : null;
  } catch (problem) {
    if (problem instanceof SyntaxError) return null;
    throw problem;
  }
}
