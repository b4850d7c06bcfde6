import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket as NodeWebSocket } from "ws";
import { AdminStream, type JobUpdate } from "./adminStream.js";
import { ticketEndpoints } from "./endpoint.js";
import { FakeClock, settled } from "./fakeClock.js";
import { type FakeConnection, FakeServer } from "./fakeServer.js";
import { createHttpClient } from "./http.js";
import { type LogLine, LogStream } from "./logStream.js";
import { liveJobs, queueMetrics } from "./monitoring.js";
import type { Connection } from "./socket.js";

const EPOCH = "9f1c2ab0d4e75f36";
// Node 20 has no WebSocket of its own.
const WebSocket = NodeWebSocket as unknown as typeof globalThis.WebSocket;
let server: FakeServer;
let clock: FakeClock;
let stop: (() => void)[] = [];

beforeEach(async () => {
  server = await FakeServer.start();
  clock = new FakeClock();
});
afterEach(async () => {
  for (const one of stop.splice(0)) one();
  stop = [];
  await server.stop();
});

const endpoints = () => ticketEndpoints(createHttpClient({ baseUrl: server.url }), server.url);
const job = (id: string, status: string, seq?: number) => ({
  type: "job_update",
  ...(seq === undefined ? {} : { epoch: EPOCH, seq }),
  payload: { job_id: id, status, robot_id: null, progress: 0, timestamp: "2026-03-02T08:15:00.000Z" },
});
const subscribed = (recovered: boolean, seq: number) => ({
  type: "subscribed",
  payload: { channel: "jobs", recovered, epoch: EPOCH, seq },
});
const snapshotEnd = (seq: number) => ({ type: "snapshot_end", payload: { epoch: EPOCH, seq } });

/** The calls that a consumer received. `until` waits for a number of them. */
class Seen {
  readonly records: string[] = [];
  #waiting: (() => void)[] = [];

  add(one: string): void {
    this.records.push(one);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async until(count: number): Promise<string[]> {
    while (this.records.length < count) await new Promise<void>((wake) => this.#waiting.push(wake));
    return this.records;
  }
}

function admin(): { seen: Seen; states: Seen; stream: AdminStream } {
  const seen = new Seen();
  const states = new Seen();
  const stream = new AdminStream(
    endpoints(),
    {
      jobs: (open: JobUpdate[]) => seen.add(`[${open.map((one) => `${one.job_id} ${one.status}`).join()}]`),
      job: (update) => seen.add(`${update.job_id} ${update.status}`),
      robot: (robot) => seen.add(`robot ${robot.robot_id}`),
      queue: (metrics) => seen.add(`${metrics.pending} wait`),
      connection: (connection) => states.add(said(connection)),
    },
    { clock, WebSocket },
  );
  stop.push(() => stream.stop());
  stream.start();
  return { seen, states, stream };
}

function said(connection: Connection): string {
  return connection.state === "offline"
    ? `offline: ${connection.why}, ${connection.retryAt === null ? "no further attempt" : "again"}`
    : connection.state;
}

async function joined(number: number): Promise<FakeConnection> {
  const connection = await server.connection(number);
  await connection.messages(2);
  return connection;
}

describe("the admin stream", () => {
  it("opens with a ticket, subscribes, and delivers a snapshot before changes", async () => {
    const { seen } = admin();
    const first = await joined(1);
    expect(first.address.pathname).toBe("/ws/admin");
    expect(first.address.searchParams.get("api_secret")).toBe("tkt_1");
    expect((await first.messages(2)).map((one) => one.payload)).toEqual([
      { channels: ["robots", "queue"] },
      { channels: ["jobs"], since: null },
    ]);
    first.send(subscribed(false, 5), job("a", "pending"), job("b", "running"), snapshotEnd(5), job("a", "claimed", 6));
    first.send(
      { type: "robot_status", payload: { robot_id: "alpha" } },
      { type: "queue_metrics", payload: { pending: 3 } },
    );
    first.send({ type: "something_newer", payload: {} }, job("a", "running", 7));
    expect(await seen.until(5)).toEqual(["[a pending,b running]", "a claimed", "robot alpha", "3 wait", "a running"]);
  });

  it("reconnects with a new ticket and its position, and delivers only the missed changes", async () => {
    const { seen, states } = admin();
    const first = await joined(1);
    first.send(subscribed(false, 5), snapshotEnd(5), job("a", "pending", 6));
    await seen.until(2);
    first.close(1012);
    await states.until(3);
    await clock.advance(500);
    const second = await joined(2);
    expect(second.address.searchParams.get("api_secret")).toBe("tkt_2");
    expect((await second.messages(2))[1]?.payload.since).toBe(`${EPOCH}:6`);
    second.send(subscribed(true, 6), job("a", "pending", 6), job("a", "claimed", 7));
    expect(await seen.until(3)).toEqual(["[]", "a pending", "a claimed"]);
  });

  it("reconnects when a number is missing", async () => {
    const { seen } = admin();
    const first = await joined(1);
    first.send(subscribed(false, 5), snapshotEnd(5), job("a", "running", 9));
    const second = await joined(2);
    expect((await second.messages(2))[1]?.payload.since).toBe(`${EPOCH}:5`);
    expect(seen.records).toEqual(["[]"]);
  });

  it("does not reconnect after a refusal, and reports the reason", async () => {
    const { states } = admin();
    const first = await joined(1);
    first.send({ type: "error", payload: { code: "AUTH_FAILED", message: "ticket: it is for another endpoint" } });
    first.close(4003);
    await states.until(3);
    expect(states.records.at(-1)).toBe("offline: ticket: it is for another endpoint, no further attempt");
  });

  it("reconnects at once on retryNow, and with a new ticket after close code 4002", async () => {
    const { states, stream } = admin();
    clock.chance = 0.9;
    (await joined(1)).close(4002);
    await states.until(3);
    stream.retryNow();
    expect((await joined(2)).address.searchParams.get("api_secret")).toBe("tkt_2");
  });

  it("is stale without messages, then reconnects", async () => {
    const { seen, states } = admin();
    (await joined(1)).send({ type: "queue_metrics", payload: { pending: 1 } });
    await seen.until(1);
    await clock.advance(15_000);
    expect(states.records.at(-1)).toBe("stale");
    await clock.advance(15_000);
    await joined(2);
  });

  it("settles commands by their acknowledgement, and rejects them when the connection is lost", async () => {
    const { stream } = admin();
    const first = await joined(1);
    const asleep = clock.asleep;
    const cancelled = stream.command("cancel_job", "job-1", "wrong month");
    const command = (await first.messages(3))[2];
    expect(command?.payload).toEqual({ action: "cancel_job", target_id: "job-1", reason: "wrong month" });
    first.send({ type: "ack", payload: { id: command?.id } });
    await expect(cancelled).resolves.toBeUndefined();
    expect(clock.asleep).toBe(asleep); // the deadline does not keep the program running

    const unknown = stream.command("drain_robot", "nobody");
    const second = (await first.messages(4))[3];
    first.send({ type: "error", id: second?.id, payload: { code: "INVALID_MESSAGE", message: "no robot 'nobody'" } });
    await expect(unknown).rejects.toThrow("no robot 'nobody'");

    const silent = expect(stream.command("pause_queue", "default")).rejects.toThrow("no acknowledgement within 15 s");
    await first.messages(5);
    await clock.advance(15_000);
    await silent;

    const lost = stream.command("restart_robot", "alpha");
    await first.messages(6);
    await first.cut();
    await expect(lost).rejects.toThrow("before the acknowledgement");
    await expect(stream.command("restart_robot", "alpha")).rejects.toThrow("the command was not sent");
  });
});

describe("the log stream", () => {
  const line = (logId: number, beside: Record<string, unknown> = {}) => ({
    type: "log",
    log_id: logId,
    seq: logId,
    ...beside,
    payload: { robot_id: "alpha", level: "INFO", message: `line ${logId}`, timestamp: "2026-03-02T08:15:00.000Z" },
  });

  it("continues after the last line on a reconnect, delivers each line once, and counts dropped lines", async () => {
    const seen = new Seen();
    const states = new Seen();
    const stream = new LogStream(
      endpoints(),
      {
        line: (one: LogLine) => seen.add(one.message),
        dropped: (count) => seen.add(`${count} dropped`),
        connection: (connection) => states.add(connection.state),
      },
      { clock, WebSocket, robotId: "alpha 7", tail: 10, minLevel: "INFO" },
    );
    stop.push(() => stream.stop());
    stream.start();
    const first = await server.connection(1);
    expect(first.address.pathname).toBe("/ws/logs/alpha%207");
    expect(Object.fromEntries(first.address.searchParams)).toEqual({
      min_level: "INFO",
      tail: "10",
      api_secret: "tkt_1",
    });
    first.send(line(1), line(2));
    await seen.until(2);
    first.close(4011);
    await states.until(3);
    await clock.advance(500);
    const second = await server.connection(2);
    expect(second.address.searchParams.get("since")).toBe("2");
    second.send(line(2), line(9, { dropped: 6 }));
    expect(await seen.until(4)).toEqual(["line 1", "line 2", "6 dropped", "line 9"]);
  });
});

describe("the monitoring streams", () => {
  it("deliver the job updates without gaps, and the current queue depth", async () => {
    const seen = new Seen();
    const jobs = liveJobs(
      endpoints(),
      { jobs: (open) => seen.add(`[${open.length}]`), job: (one) => seen.add(one.status) },
      { clock, WebSocket },
    );
    const depth = queueMetrics(
      endpoints(),
      { state: (state) => seen.add(`depth ${state.depth}`) },
      { clock, WebSocket },
    );
    stop.push(
      () => jobs.stop(),
      () => depth.stop(),
    );
    jobs.start();
    const first = await server.connection(1);
    expect(first.address.searchParams.get("token")).toBe("tkt_1");
    expect(first.address.searchParams.get("since")).toBe("");
    const at = { epoch: EPOCH, seq: 3 };
    first.send({ type: "subscribed", recovered: false, ...at }, { type: "job_update", job_id: "a", status: "pending" });
    first.send(
      { type: "snapshot_end", ...at },
      { type: "job_update", job_id: "a", status: "running", epoch: EPOCH, seq: 4 },
    );
    await seen.until(2);
    depth.start();
    (await server.connection(2)).send({ type: "queue_metrics", depth: 17 }, { type: "other" });
    expect(await seen.until(3)).toEqual(["[1]", "running", "depth 17"]);
    await settled();
  });
});
