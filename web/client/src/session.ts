import { type Clock, systemClock } from "./clock.js";
import { CasareError } from "./errors.js";
import type { components } from "./http.gen.js";
import { createHttpClient, data, type HttpClient } from "./http.js";

/** Connects the pages of one browser, such as a `BroadcastChannel`. */
export type PageChannel = Pick<BroadcastChannel, "postMessage" | "addEventListener">;

export interface SessionOptions {
  baseUrl?: string | undefined;
  /** Other pages of this browser: they are signed in and signed out together with this one. */
  channel?: PageChannel | undefined;
  clock?: Clock | undefined;
  fetch?: ((request: Request) => Promise<Response>) | undefined;
}

type IssuedToken = components["schemas"]["Token"];

/** `starting`: not known yet. `ended`: the session ended by itself; requests wait until the user has signed in again. */
export type SessionStatus = "starting" | "signedOut" | "signedIn" | "ended";

export interface SessionState {
  readonly status: SessionStatus;
  /** The user of the session, also after its end; empty before the first sign-in. */
  readonly username: string;
  /** A viewer, signed in by a view link, reads only; null before the first sign-in. */
  readonly role: IssuedToken["role"] | null;
}

const REFRESH_AT = 0.5;
const RETRY_MS = 10_000;
const SIGNED_IN = "signed-in";
const SIGNED_OUT = "signed-out";

interface Token {
  text: string;
  expiresAt: number;
}

/**
 * The session of a user in a browser. The cookie of the session is exchanged for a token when a page opens and at half of
 * the lifetime of each token. The token is kept in memory.
 *
 * A request of `http` that is refused because the session has ended waits until the user has signed in again.
 */
export class Session {
  readonly http: HttpClient;
  /** For sign-ins and sign-outs, which never wait. */
  readonly #auth: HttpClient;
  #state: SessionState = { status: "starting", username: "", role: null };
  #token: Token | null = null;
  /** Counts sign-ins, sign-outs and ends, so that the answer to an earlier renewal is ignored. */
  #generation = 0;
  #renewal: Promise<void> | null = null;
  #cancelRenewal: () => void = () => undefined;
  readonly #clock: Clock;
  readonly #fetch: (request: Request) => Promise<Response>;
  readonly #channel: PageChannel | undefined;
  readonly #readers = new Set<() => void>();

  constructor(options: SessionOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#fetch = options.fetch ?? ((request) => fetch(request));
    this.#channel = options.channel;
    this.#auth = createHttpClient({ baseUrl: options.baseUrl, fetch: this.#fetch });
    this.http = createHttpClient({ baseUrl: options.baseUrl, fetch: (request) => this.#send(request) });
    this.#channel?.addEventListener("message", ({ data: text }) => {
      if (text === SIGNED_OUT) this.#become("signedOut");
      else if (text === SIGNED_IN && this.#state.status !== "signedIn") void this.#renew();
    });
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Calls `read` after each change of `state`; returns a function that unsubscribes. */
  readonly subscribe = (read: () => void): (() => void) => {
    this.#readers.add(read);
    return () => this.#readers.delete(read);
  };

  /** Continues the session of this browser, if it has one. */
  async resume(): Promise<void> {
    await this.#renew();
  }

  /** Signs in.
   *
   * @throws {CasareError} wrong user or password (401), too many attempts (429), server not reachable (0)
   */
  async login(username: string, password: string): Promise<void> {
    this.#enter(await data(this.#auth.POST("/api/v1/auth/login", { body: { username, password } })));
  }

  /** Signs in with the code of a sign-in link, which becomes invalid. After a refusal, the session of this browser continues.
   *
   * @throws {CasareError} the code is unknown, used or expired (401), server not reachable (0)
   */
  async loginByLink(code: string): Promise<void> {
    try {
      this.#enter(await data(this.#auth.POST("/api/v1/auth/link", { body: { code } })));
    } catch (problem) {
      await this.#renew();
      throw problem;
    }
  }

  /** Ends the session on the server, which closes its sockets, and in the other pages of this browser.
   *
   * @throws {CasareError} the server cannot be reached; the session continues
   */
  readonly signOut = async (): Promise<void> => {
    try {
      // An expired token cannot end its session; the cookie gives a valid one.
      if (this.#expired()) await this.#renew();
      const headers = { Authorization: `Bearer ${this.#token?.text}` };
      if (this.#token !== null) await data(this.#auth.POST("/api/v1/auth/logout", { headers }));
    } catch (problem) {
      if (!(problem instanceof CasareError) || problem.status !== 401) throw problem; // 401: it has ended before
    }
    this.#become("signedOut");
    this.#channel?.postMessage(SIGNED_OUT);
  };

  /** Sends a request with a valid token. While the session has ended, the request waits. */
  async #send(request: Request): Promise<Response> {
    for (let renewed = false; ; ) {
      if (this.#state.status === "ended") {
        await this.#afterEnd(request.signal);
        renewed = false;
      }
      if (this.#expired()) await this.#renew();
      if (this.#state.status === "ended") continue;
      const sent = this.#token;
      const attempt = request.clone(); // the body of a request can be read once
      if (sent !== null) attempt.headers.set("Authorization", `Bearer ${sent.text}`);
      const answer = await this.#fetch(attempt);
      if (answer.status !== 401 || sent === null || renewed) return answer;
      if (this.#token === sent) {
        await this.#renew();
        renewed = true;
      }
      if (this.#token === sent || this.#state.status === "signedOut") return answer;
    }
  }

  /** Waits until the session is no longer `ended`. */
  #afterEnd(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        unsubscribe();
        signal.removeEventListener("abort", abort);
      };
      const abort = () => {
        stop();
        reject(signal.reason);
      };
      const unsubscribe = this.subscribe(() => {
        if (this.#state.status === "ended") return;
        stop();
        resolve();
      });
      signal.addEventListener("abort", abort);
      if (signal.aborted) abort();
    });
  }

  /** Exchanges the cookie for a new token; concurrent calls share one request. */
  #renew(): Promise<void> {
    this.#renewal ??= this.#exchange().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #exchange(): Promise<void> {
    this.#cancelRenewal();
    const generation = this.#generation;
    try {
      const token = await data(this.#auth.POST("/api/v1/auth/session"));
      if (generation === this.#generation) this.#keep(token);
    } catch (problem) {
      if (!(problem instanceof CasareError)) throw problem;
      if (generation === this.#generation) this.#notRenewed(problem);
    }
  }

  #notRenewed(problem: CasareError): void {
    if (problem.status === 401 || problem.status === 403) {
      if (this.#state.status === "signedIn") this.#become("ended");
      else if (this.#state.status === "starting") this.#become("signedOut");
      return;
    }
    this.#renewIn(Math.max(RETRY_MS, problem.retryAfterMs ?? 0));
    if (this.#state.status === "starting") this.#setStatus("signedOut"); // until the server can be reached
  }

  /** After a sign-in in this page. */
  #enter(token: IssuedToken): void {
    this.#generation += 1;
    this.#keep(token);
    this.#channel?.postMessage(SIGNED_IN);
  }

  #keep({ access_token: text, expires_in: lifeSeconds, username, role }: IssuedToken): void {
    this.#token = { text, expiresAt: this.#clock.now() + lifeSeconds * 1000 };
    this.#renewIn(lifeSeconds * 1000 * REFRESH_AT);
    this.#setState({ status: "signedIn", username, role });
  }

  #expired(): boolean {
    return this.#token !== null && this.#token.expiresAt <= this.#clock.now();
  }

  /** Drops the token. */
  #become(status: "ended" | "signedOut"): void {
    this.#generation += 1;
    this.#cancelRenewal();
    this.#token = null;
    this.#setStatus(status);
  }

  #renewIn(ms: number): void {
    this.#cancelRenewal();
    this.#cancelRenewal = this.#clock.after(ms, () => void this.#renew());
  }

  #setStatus(status: SessionStatus): void {
    this.#setState({ ...this.#state, status });
  }

  #setState(state: SessionState): void {
    this.#state = state;
    for (const read of this.#readers) read();
  }
}
