import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket as NodeWebSocket } from "ws";
import { AdminStream } from "./adminStream.js";
import { secretEndpoints, ticketEndpoints } from "./endpoint.js";
import { FakeClock, settled } from "./fakeClock.js";
import { type FakeConnection, FakeServer } from "./fakeServer.js";
import { createHttpClient } from "./http.js";
import type { Connection } from "./socket.js";

const EPOCH = "9f1c2ab0d4e75f36";
const WebSocket = NodeWebSocket as unknown as typeof globalThis.WebSocket;
const TICKETS = "/api/v1/ws-tickets";
let server: FakeServer;
let clock: FakeClock;
let stream: AdminStream;
let states: Connection[];
let waiters: (() => void)[];
/** Called by the stream at each change of its state. */
let react: (connection: Connection) => void;

beforeEach(async () => {
  server = await FakeServer.start();
  clock = new FakeClock();
  states = [];
  waiters = [];
  react = () => undefined;
});
afterEach(async () => {
  stream.stop();
  await server.stop();
});

const tickets = () => ticketEndpoints(createHttpClient({ baseUrl: server.url }), server.url);

function begin(endpoints = tickets()): void {
  const connection = (current: Connection) => {
    states.push(current);
    react(current);
    for (const wake of waiters.splice(0)) wake();
  };
  stream = new AdminStream(endpoints, { connection }, { clock, WebSocket });
  stream.start();
}

/** Waits until the connection has this state. */
async function is<S extends Connection["state"]>(state: S): Promise<Extract<Connection, { state: S }>> {
  while (stream.connection.state !== state) await new Promise<void>((wake) => waiters.push(wake));
  return stream.connection as Extract<Connection, { state: S }>;
}

async function joined(number: number): Promise<FakeConnection> {
  const connection = await server.connection(number);
  await connection.messages(2);
  return connection;
}

const ticketsAsked = () => server.requests.filter((one) => one.endsWith(TICKETS)).length;
const subscribed = { type: "subscribed", payload: { channel: "jobs", recovered: false, epoch: EPOCH, seq: 5 } };
const snapshotEnd = { type: "snapshot_end", payload: { epoch: EPOCH, seq: 5 } };
const gap = { type: "job_update", epoch: EPOCH, seq: 9, payload: { job_id: "a", status: "running" } };

describe("reconnecting", () => {
  it.each([
    ["with a new ticket after", tickets, true],
    ["with the same secret never after", () => secretEndpoints(server.url, "x"), false],
  ])("happens %s a refused credential", async (_, endpoints, again) => {
    begin(endpoints());
    (await joined(1)).close(4001);
    const { retryAt } = await is("offline");
    expect(retryAt !== null).toBe(again);
    if (retryAt === null) return;
    await clock.advance(retryAt - clock.now());
    await joined(2);
    expect(ticketsAsked()).toBe(2);
  });

  it("waits longer each time, reports the next attempt, and resets the backoff after a connection of 10 s", async () => {
    clock.chance = 0.5;
    begin();
    const waits: number[] = [];
    for (const [index, held] of [0, 0, 0, 10_000, 0].entries()) {
      const connection = await joined(index + 1);
      await is("live");
      await clock.advance(held);
      connection.close(1012);
      const { retryAt } = await is("offline");
      waits.push((retryAt ?? 0) - clock.now());
      await clock.advance(waits.at(-1) ?? 0);
    }
    expect(waits).toEqual([250, 500, 1000, 250, 500]);
  });

  it("backs off when every connection has a gap: only the first reconnect is immediate", async () => {
    begin();
    (await joined(1)).send(subscribed, snapshotEnd, gap);
    (await joined(2)).send(gap);
    const { why, retryAt } = await is("offline");
    expect(why).toBe("a job update is missing");
    expect(retryAt).toBe(clock.now() + 500);
    await clock.advance(500);
    await joined(3);
  });

  it("continues while no server listens, without an uncaught error", async () => {
    begin(secretEndpoints("http://127.0.0.1:9", "x"));
    const { code, retryAt } = await is("offline");
    expect([code, retryAt]).toEqual([1006, clock.now() + 250]);
  });

  it.each([401, 403])("makes no further attempt after a ticket is refused with %i, until retryNow", async (status) => {
    const payload = { code: "AUTH_FAILED", message: "sign in again" };
    server.answers.set(TICKETS, { status, body: { type: "error", payload } });
    begin();
    expect(await is("offline")).toEqual({ state: "offline", why: "sign in again", code: null, retryAt: null });
    await clock.advance(3_600_000);
    expect(ticketsAsked()).toBe(1);
    server.answers.delete(TICKETS);
    stream.retryNow();
    await joined(1);
  });

  it("waits as long as the refusal of a ticket requires", async () => {
    const payload = { code: "RATE_LIMITED", message: "too many tickets", retry_after_ms: 7000 };
    server.answers.set(TICKETS, { status: 429, body: { type: "error", payload } });
    begin();
    expect((await is("offline")).retryAt).toBe(clock.now() + 7000);
  });
});

describe("stop", () => {
  it("keeps the stream closed during a connection attempt", async () => {
    begin(secretEndpoints(server.url, "x"));
    await settled();
    stream.stop();
    await clock.advance(3_600_000);
    expect(states.map(({ state }) => state)).toEqual(["connecting", "stopped"]);
  });

  it.each(["connecting", "live", "offline"])(
    "keeps the stream closed when it is called in the callback for %s",
    async (state) => {
      react = (current) => {
        if (current.state === state) stream.stop();
      };
      begin();
      if (state === "offline") (await joined(1)).close(1012);
      await is("stopped");
      await clock.advance(3_600_000);
      expect(states.at(-1)).toEqual({ state: "stopped" });
    },
  );
});

describe("pause and resume", () => {
  it("close the connection and continue at the same position", async () => {
    begin();
    (await joined(1)).send(subscribed, snapshotEnd, { ...gap, seq: 6 });
    await is("live");
    const order = stream.command("pause_queue", "default"); // acknowledged after the earlier messages have arrived
    const [, , command] = await (await server.connection(1)).messages(3);
    (await server.connection(1)).send({ type: "ack", payload: { id: command?.id } });
    await order;
    stream.pause();
    stream.retryNow();
    stream.start();
    await clock.advance(3_600_000);
    expect(stream.connection).toEqual({ state: "paused" });
    expect(ticketsAsked()).toBe(1);
    stream.resume();
    expect((await (await joined(2)).messages(2))[1]?.payload.since).toBe(`${EPOCH}:6`);
  });

  it("do nothing for a stream that was stopped, never paused, or refused", async () => {
    begin();
    const first = await joined(1);
    await is("live");
    stream.resume();
    first.close(4003);
    await is("offline");
    stream.pause();
    stream.resume();
    expect(stream.connection).toMatchObject({ state: "offline", retryAt: null });
    stream.stop();
    stream.pause();
    stream.resume();
    expect(stream.connection).toEqual({ state: "stopped" });
    expect(ticketsAsked()).toBe(1);
  });
});

it("start reports that there is no WebSocket", () => {
  const had = globalThis.WebSocket;
  Reflect.deleteProperty(globalThis, "WebSocket");
  try {
    stream = new AdminStream(tickets(), {}, { clock });
    expect(() => stream.start()).toThrow("pass one in the options, such as the one of `ws`");
  } finally {
    if (had !== undefined) globalThis.WebSocket = had;
  }
});
