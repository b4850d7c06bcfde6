import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeClock, settled } from "./fakeClock.js";
import { FakeServer } from "./fakeServer.js";
import { Session, type SessionStore } from "./session.js";

let server: FakeServer;
let clock: FakeClock;
let kept: Map<string, string>;
let store: SessionStore;

beforeEach(async () => {
  server = await FakeServer.start();
  clock = new FakeClock();
  kept = new Map();
  store = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
});
afterEach(() => server.stop());

const begun = () => new Session({ baseUrl: server.url, store, clock });
const changed = (session: Session) => new Promise<void>((tell) => session.subscribe(tell));
const refreshes = () => server.requests.filter((one) => one.endsWith("/auth/refresh")).length;

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((turn) => setTimeout(turn, 1));
}

describe("a session", () => {
  it("starts with a login, refreshes its token at half of its lifetime, and ends with a sign-out", async () => {
    const session = begun();
    await session.login("admin", "right");
    expect(session.state).toEqual({ signedIn: true, ended: false });
    await clock.advance(450_000);
    await until(() => refreshes() === 1);
    await session.signOut();
    expect(session.state).toEqual({ signedIn: false, ended: false });
    expect(kept.size).toBe(0);
  });

  it("ends on the server with a sign-out, with its own token", async () => {
    const asked: string[] = [];
    const fetch = (request: Request) => {
      asked.push(`${request.method} ${new URL(request.url).pathname} ${request.headers.get("Authorization")}`);
      if (request.url.endsWith("/logout")) return Promise.resolve(new Response(null, { status: 204 }));
      return Promise.resolve(Response.json({ access_token: "first", token_type: "bearer", expires_in: 900 }));
    };
    const session = new Session({ baseUrl: server.url, store, clock, fetch });
    await session.login("admin", "right");
    await session.signOut();
    await session.signOut();
    expect(asked.slice(1)).toEqual(["POST /api/v1/auth/logout Bearer first"]);
  });

  it.each([
    ["the server refuses", () => Promise.resolve(Response.json({}, { status: 401 }))],
    ["does not reach the server", () => Promise.reject(new TypeError("fetch failed"))],
  ])("ends here with a sign-out that %s", async (_, logout) => {
    const fetch = (request: Request) => {
      if (request.url.endsWith("/logout")) return logout();
      return Promise.resolve(Response.json({ access_token: "first", token_type: "bearer", expires_in: 900 }));
    };
    const session = new Session({ baseUrl: server.url, store, clock, fetch });
    await session.login("admin", "right");
    await session.signOut();
    expect(session.state).toEqual({ signedIn: false, ended: false });
    expect(kept.size).toBe(0);
  });

  it("survives a reload and refreshes its token at once", async () => {
    await begun().login("admin", "right");
    const again = begun();
    expect(again.state.signedIn).toBe(true);
    await until(() => refreshes() === 1);
  });

  it("has ended when its token expired before the reload", async () => {
    await begun().login("admin", "right");
    await clock.advance(0);
    kept.set("casare-session", JSON.stringify({ token: "old", expiresAt: clock.now() - 1 }));
    expect(begun().state.signedIn).toBe(false);
    expect(kept.size).toBe(0);
  });

  it.each(["{half", "null", '{"token":1}', ""])("does not start from the stored text %j", (text) => {
    kept.set("casare-session", text);
    expect(begun().state).toEqual({ signedIn: false, ended: false });
    expect(kept.size).toBe(0);
  });

  it("keeps the token of a later login when an earlier refresh is answered after it", async () => {
    let answer: (response: Response) => void = () => undefined;
    const held = new Promise<Response>((resolve) => {
      answer = resolve;
    });
    const token = (name: string) => Response.json({ access_token: name, token_type: "bearer", expires_in: 900 });
    let logins = 0;
    const session = new Session({
      baseUrl: server.url,
      store,
      clock,
      fetch: (request) => {
        if (request.url.endsWith("/logout")) return Promise.resolve(new Response(null, { status: 204 }));
        return request.url.endsWith("/refresh") ? held : Promise.resolve(token(`login ${++logins}`));
      },
    });
    await session.login("admin", "right");
    await clock.advance(450_000);
    await session.signOut();
    await session.login("admin", "right");
    answer(token("renewed too late"));
    for (let turn = 0; turn < 5; turn++) await settled();
    expect(JSON.parse(kept.get("casare-session") ?? "")).toMatchObject({ token: "login 2" });
  });

  it("is not ended by a 401 for an earlier token", async () => {
    let answer: (response: Response) => void = () => undefined;
    const held = new Promise<Response>((resolve) => {
      answer = resolve;
    });
    let tokens = 0;
    const token = () => Response.json({ access_token: `token ${++tokens}`, token_type: "bearer", expires_in: 900 });
    const fetch = (request: Request) => (request.url.endsWith("/jobs") ? held : Promise.resolve(token()));
    const session = new Session({ baseUrl: server.url, store, clock, fetch });
    await session.login("admin", "right");
    const asked = session.http.GET("/api/v1/jobs");
    await settled();
    await session.login("admin", "right");
    answer(Response.json({}, { status: 401 }));
    await asked;
    expect(session.state).toEqual({ signedIn: true, ended: false });
  });

  it("ends when the server refuses its token", async () => {
    const session = begun();
    await session.login("admin", "right");
    server.answers.set("/api/v1/jobs", { status: 401, body: {} });
    const signal = changed(session);
    await session.http.GET("/api/v1/jobs");
    await signal;
    expect(session.state).toEqual({ signedIn: false, ended: true });
  });

  it("does not start with a wrong password, and reports the message of the server", async () => {
    const payload = { code: "AUTH_FAILED", message: "username or password: wrong" };
    server.answers.set("/api/v1/auth/login", { status: 401, body: { type: "error", payload } });
    const session = begun();
    await expect(session.login("admin", "guess")).rejects.toThrow("username or password: wrong");
    expect(session.state.signedIn).toBe(false);
  });

  it("reports a server that cannot be reached", async () => {
    const session = new Session({ baseUrl: "http://127.0.0.1:9", clock });
    await expect(session.login("admin", "x")).rejects.toMatchObject({
      status: 0,
      message: "the server cannot be reached",
    });
  });
});
