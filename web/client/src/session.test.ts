import { beforeEach, describe, expect, it } from "vitest";
import { FakeClock, settled } from "./fakeClock.js";
import { data } from "./http.js";
import { type PageChannel, Session } from "./session.js";

const LOGIN = "/api/v1/auth/login";
const LOGOUT = "/api/v1/auth/logout";
const RENEW = "/api/v1/auth/session";
const JOBS = "/api/v1/jobs";
const LIFE_SECONDS = 900;

type Answer = () => Response | Promise<Response>;

/** A browser: its cookie, its pages, and the answers of the server. */
class Browser {
  readonly clock = new FakeClock();
  /** The requests so far, such as `POST /api/v1/jobs token-1 {"workflow_id":"w"}`. */
  readonly requests: string[] = [];
  /** Answers by path; they replace the default answers. */
  readonly answers = new Map<string, Answer>();
  cookie = false;
  #tokens = 0;
  #valid = new Set<string>();
  readonly #pages: ((event: MessageEvent) => void)[][] = [];

  page(): Session {
    const listeners: ((event: MessageEvent) => void)[] = [];
    this.#pages.push(listeners);
    const channel = {
      addEventListener: (_type: string, listen: (event: MessageEvent) => void) => void listeners.push(listen),
      postMessage: (message: unknown) => {
        for (const others of this.#pages) {
          if (others !== listeners) for (const listen of others) listen({ data: message } as MessageEvent);
        }
      },
    } as PageChannel;
    return new Session({
      baseUrl: "http://casare.example",
      channel,
      clock: this.clock,
      fetch: (request) => this.#answer(request),
    });
  }

  /** The session ends on the server. */
  end(): void {
    this.cookie = false;
    this.#valid.clear();
  }

  count(path: string): number {
    return this.requests.filter((one) => one.includes(` ${path} `)).length;
  }

  token(): Response {
    const text = `token-${++this.#tokens}`;
    this.#valid.add(text);
    return Response.json({
      access_token: text,
      token_type: "bearer",
      expires_in: LIFE_SECONDS,
      username: "admin",
      role: "admin",
    });
  }

  async #answer(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname;
    const token = request.headers.get("Authorization")?.replace("Bearer ", "") ?? "-";
    this.requests.push(`${request.method} ${path} ${token} ${await request.text()}`);
    const other = this.answers.get(path);
    if (other !== undefined) return other();
    if (path === LOGIN) {
      this.cookie = true;
      return this.token();
    }
    if (path === RENEW) return this.cookie ? this.token() : Response.json({}, { status: 401 });
    if (!this.#valid.has(token)) return Response.json({}, { status: 401 });
    if (path === LOGOUT) {
      this.end();
      return new Response(null, { status: 204 });
    }
    return Response.json({ items: [] });
  }
}

let browser: Browser;
beforeEach(() => {
  browser = new Browser();
});

/** Lets all answers that are available arrive. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    await settled();
    await new Promise((turned) => setImmediate(turned));
  }
}

async function signedIn(): Promise<Session> {
  const session = browser.page();
  await session.login("admin", "right");
  return session;
}

const submit = (session: Session) => data(session.http.POST(JOBS, { body: { workflow_id: "w" } as never }));
const SIGNED_IN = { status: "signedIn", username: "admin", role: "admin" };

describe("a session", () => {
  it("starts with a login, and exchanges the cookie for a new token at half of the life of each token", async () => {
    const session = await signedIn();
    expect(session.state).toEqual(SIGNED_IN);
    for (const times of [1, 2, 3]) {
      await browser.clock.advance(LIFE_SECONDS * 500);
      await quiet();
      expect(browser.count(RENEW)).toBe(times);
    }
    await session.http.GET(JOBS);
    expect(browser.requests.at(-1)).toContain("token-4");
  });

  it("continues in a new page, without a login", async () => {
    await signedIn();
    const page = browser.page();
    expect(page.state.status).toBe("starting");
    await page.resume();
    expect(page.state).toEqual(SIGNED_IN);
    expect((await page.http.GET(JOBS)).response.status).toBe(200);
    expect(browser.count(LOGIN)).toBe(1);
  });

  it("does not start in a browser without a cookie", async () => {
    const page = browser.page();
    await page.resume();
    expect(page.state.status).toBe("signedOut");
    expect(browser.clock.asleep).toBe(0);
  });

  it("starts as soon as the server can be reached", async () => {
    browser.cookie = true;
    browser.answers.set(RENEW, () => Response.json({}, { status: 503 }));
    const page = browser.page();
    await page.resume();
    expect(page.state.status).toBe("signedOut");
    browser.answers.clear();
    await browser.clock.advance(10_000);
    await quiet();
    expect(page.state).toEqual(SIGNED_IN);
  });

  it("does not start with a wrong password, and reports the message of the server", async () => {
    const payload = { code: "AUTH_FAILED", message: "username or password: wrong" };
    browser.answers.set(LOGIN, () => Response.json({ type: "error", payload }, { status: 401 }));
    const page = browser.page();
    await page.resume();
    await expect(page.login("admin", "guess")).rejects.toThrow("username or password: wrong");
    expect(page.state.status).toBe("signedOut");
  });

  it("reports a server that cannot be reached", async () => {
    browser.answers.set(LOGIN, () => Promise.reject(new TypeError("fetch failed")));
    await expect(browser.page().login("admin", "x")).rejects.toMatchObject({
      status: 0,
      message: "the server cannot be reached",
    });
  });

  it("continues when a link is refused", async () => {
    await signedIn();
    browser.answers.set("/api/v1/auth/link", () => Response.json({}, { status: 401 }));
    const page = browser.page();
    await expect(page.loginByLink("lnk_used")).rejects.toMatchObject({ status: 401 });
    expect(page.state).toEqual(SIGNED_IN);
  });
});

describe("a sign-out", () => {
  it("ends the session on the server and in the other pages of the browser", async () => {
    const first = await signedIn();
    const second = browser.page();
    await second.resume();
    await first.signOut();
    expect(browser.requests.at(-1)).toBe(`POST ${LOGOUT} token-1 `);
    expect([first, second].map((page) => page.state.status)).toEqual(["signedOut", "signedOut"]);
    expect(browser.clock.asleep).toBe(0);
  });

  it("ends the session on the server after the token of the page has expired", async () => {
    const session = await signedIn();
    browser.answers.set(RENEW, () => Response.json({}, { status: 503 }));
    await browser.clock.advance(LIFE_SECONDS * 1000);
    browser.answers.clear();
    await session.signOut();
    expect(browser.requests.at(-1)).toBe(`POST ${LOGOUT} token-2 `);
    expect(browser.cookie).toBe(false);
  });

  it("fails when the server cannot be reached: the cookie is valid, so the user is still signed in", async () => {
    const session = await signedIn();
    browser.answers.set(LOGOUT, () => Promise.reject(new TypeError("fetch failed")));
    await expect(session.signOut()).rejects.toMatchObject({ status: 0 });
    expect(session.state).toEqual(SIGNED_IN);
  });

  it("succeeds when the session has ended before", async () => {
    const session = await signedIn();
    browser.end();
    await session.signOut();
    expect(session.state.status).toBe("signedOut");
  });

  it("is not undone by the answer to an earlier renewal", async () => {
    let answer: (response: Response) => void = () => undefined;
    const session = await signedIn();
    browser.answers.set(RENEW, () => new Promise((resolve) => (answer = resolve)));
    await browser.clock.advance(LIFE_SECONDS * 500);
    await session.signOut();
    answer(browser.token());
    await quiet();
    expect(session.state.status).toBe("signedOut");
  });
});

describe("an ended session", () => {
  it("keeps a refused request with its body until the next sign-in", async () => {
    const session = await signedIn();
    browser.end();
    const sent = submit(session);
    await quiet();
    expect(session.state).toEqual({ ...SIGNED_IN, status: "ended" });
    await session.login("admin", "right");
    expect(await sent).toEqual({ items: [] });
    expect(browser.requests.at(-1)).toBe(`POST ${JOBS} token-2 {"workflow_id":"w"}`);
  });

  it("sends no request while it waits for a sign-in, and then each once", async () => {
    const session = await signedIn();
    browser.end();
    const first = submit(session);
    await quiet();
    const before = browser.requests.length;
    const others = [submit(session), submit(session)];
    await quiet();
    expect(browser.requests.length).toBe(before);
    await session.login("admin", "right");
    await Promise.all([first, ...others]);
    expect(browser.requests.length).toBe(before + 1 + 3);
  });

  it("is noticed after sleep, when the time of the token has passed, before a request is sent", async () => {
    const session = await signedIn();
    browser.end();
    await browser.clock.advance(LIFE_SECONDS * 1000);
    await quiet();
    expect(session.state.status).toBe("ended");
    expect(browser.count(JOBS)).toBe(0);
  });

  it("drops a waiting request that is aborted", async () => {
    const session = await signedIn();
    browser.end();
    const abort = new AbortController();
    const sent = session.http.GET(JOBS, { signal: abort.signal });
    await quiet();
    abort.abort();
    await expect(sent).rejects.toMatchObject({ name: "AbortError" });
  });

  it("continues after a sign-in in another page of the browser", async () => {
    const session = await signedIn();
    const other = browser.page();
    await other.resume();
    browser.end();
    const sent = submit(session);
    await quiet();
    await other.login("admin", "right");
    await sent;
    expect(session.state).toEqual(SIGNED_IN);
  });

  it("lets waiting requests fail when the user leaves", async () => {
    const session = await signedIn();
    browser.end();
    const sent = submit(session);
    await quiet();
    await session.signOut();
    await expect(sent).rejects.toMatchObject({ status: 401 });
    expect(session.state.status).toBe("signedOut");
  });
});

describe("a refused request", () => {
  it("is repeated with a new token while the session is open: the token was too old", async () => {
    const session = await signedIn();
    let refusals = 0;
    browser.answers.set(JOBS, () => {
      if (++refusals === 1) return Response.json({}, { status: 401 });
      return Response.json({ items: [1] });
    });
    expect(await submit(session)).toEqual({ items: [1] });
    expect(session.state).toEqual(SIGNED_IN);
  });

  it("fails when a new token is refused too, and the session continues", async () => {
    const session = await signedIn();
    browser.answers.set(JOBS, () => Response.json({}, { status: 401 }));
    await expect(submit(session)).rejects.toMatchObject({ status: 401 });
    expect(session.state).toEqual(SIGNED_IN);
    expect(browser.count(JOBS)).toBe(2);
  });

  it("fails when the server cannot be asked for a new token", async () => {
    const session = await signedIn();
    browser.answers.set(JOBS, () => Response.json({}, { status: 401 }));
    browser.answers.set(RENEW, () => Promise.reject(new TypeError("fetch failed")));
    await expect(submit(session)).rejects.toMatchObject({ status: 401 });
    expect(session.state).toEqual(SIGNED_IN);
  });
});
