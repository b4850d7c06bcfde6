import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { WebSocket as NodeWebSocket } from "ws";
import { AdminStream } from "./adminStream.js";
import type { Clock } from "./clock.js";
import { secretEndpoints } from "./endpoint.js";
import { FakeServer } from "./fakeServer.js";

interface Case {
  name: string;
  connections: string[][];
  since?: (string | null)[];
  seen: (string | string[])[];
  ends?: true;
}

const CORPUS = fileURLToPath(new URL("../../../tests/parity/job-stream.json", import.meta.url));
const { cases } = JSON.parse(readFileSync(CORPUS, "utf8")) as { cases: Case[] };
const EPOCH = "9f1c2ab0d4e75f36";
const REFUSAL = "api_secret: revoked";

/** Real time without backoff. */
const impatient: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: () => 0,
};

const placed = (words: string[]) => (words.length === 0 ? {} : { epoch: words[1] ?? EPOCH, seq: Number(words[0]) });

/** `a running 7` is a numbered job_update; a single word is an unknown message type. */
function frameOf(text: string): unknown {
  const [kind = "", ...rest] = text.split(" ");
  if (kind === "subscribed") {
    return { type: kind, payload: { channel: "jobs", recovered: rest[0] === "true", ...placed(rest.slice(1)) } };
  }
  if (kind === "error") return { type: kind, payload: { code: rest[0], message: REFUSAL } };
  if (kind === "snapshot_end") return { type: kind, payload: placed(rest) };
  if (rest.length === 0) return { type: kind, payload: {} };
  const payload = { job_id: kind, status: rest[0], robot_id: null, progress: 0, timestamp: "2026-03-02T08:15:00.000Z" };
  return { type: "job_update", ...placed(rest.slice(1)), payload };
}

describe("the Python and the TypeScript client on the same frames", () => {
  it.each(cases)("$name", async ({ connections, since, seen, ends }) => {
    const server = await FakeServer.start();
    const delivered: (string | string[])[] = [];
    let whole: () => void = () => undefined;
    const complete = new Promise<void>((resolve) => {
      whole = resolve;
    });
    let end: string | null = null;
    const noted = () => {
      if (delivered.length >= seen.length && (ends !== true || end !== null)) whole();
    };
    const see = (one: string | string[]) => {
      delivered.push(one);
      noted();
    };
    const stream = new AdminStream(
      secretEndpoints(server.url, "x".repeat(32)),
      {
        jobs: (open) => see(open.map((one) => `${one.job_id} ${one.status}`)),
        job: (update) => see(`${update.job_id} ${update.status}`),
        connection: (connection) => {
          if (connection.state === "offline" && connection.retryAt === null) end = connection.why;
          noted();
        },
      },
      { clock: impatient, WebSocket: NodeWebSocket as unknown as typeof globalThis.WebSocket },
    );
    stream.start();
    const asked: unknown[] = [];
    for (const [index, script] of connections.entries()) {
      const connection = await server.connection(index + 1);
      asked.push((await connection.messages(2))[1]?.payload.since);
      const close = script.find((words) => words.startsWith("close "));
      connection.send(...script.filter((words) => words !== close).map(frameOf));
      if (close !== undefined) connection.close(Number(close.split(" ")[1]));
      else if (index < connections.length - 1) await connection.cut();
    }
    await complete;
    stream.stop();
    await server.stop();
    expect(delivered).toEqual(seen);
    const refused = connections.at(-1)?.includes("error AUTH_FAILED") ?? false;
    expect(end).toBe(ends === true ? (refused ? REFUSAL : "normal closure") : null);
    if (since !== undefined) expect(asked).toEqual(since.map((seq) => (seq === null ? null : `${EPOCH}:${seq}`)));
  });
});
