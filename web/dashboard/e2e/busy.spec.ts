import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { CDPSession, Page, WebSocketRoute } from "@playwright/test";
import { expect, test } from "./fixtures";

const REFERENCE = fileURLToPath(new URL("../../../docs/reference/websocket-contract.md", import.meta.url));
const SECOND_MS = 1000;

/** What a socket of the page would have heard from the server, put in between. */
function listenedTo(page: Page, path: RegExp): Promise<WebSocketRoute> {
  return new Promise((resolve) => {
    void page.routeWebSocket(path, (socket) => {
      socket.connectToServer();
      resolve(socket);
    });
  });
}

/** Keeps hold of the sockets that the page opens, so that it can be told more than a real server here could say. */
function keepSockets(): void {
  const opened: WebSocket[] = [];
  const Real = window.WebSocket;
  window.WebSocket = class extends Real {
    constructor(address: string | URL) {
      super(address);
      opened.push(this);
    }
  };
  Object.assign(window, { openedSockets: opened });
}

/** From now on the page hears a thousand updates a second about these jobs; answers how to stop. */
function flood(jobs: string[]): void {
  const socket = (window as unknown as { openedSockets: WebSocket[] }).openedSockets.findLast((one) =>
    one.url.includes("/ws/admin"),
  );
  const began = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    // However late the timer is: a thousand for each second that has passed.
    while (sent < performance.now() - began) {
      sent += 1;
      const beside = { robot_id: "desk", progress: sent % 101, timestamp: new Date().toISOString() };
      const payload = { job_id: jobs[sent % jobs.length], status: "running", ...beside };
      socket?.dispatchEvent(new MessageEvent("message", { data: JSON.stringify({ type: "job_update", payload }) }));
    }
  }, 20);
  const stopFlood = () => {
    clearInterval(timer);
    return sent;
  };
  Object.assign(window, { stopFlood });
}

/** Frames of animation within so many milliseconds. */
function frames(page: Page, ms: number): Promise<number> {
  return page.evaluate(
    (time) =>
      new Promise<number>((resolve) => {
        let count = 0;
        const end = performance.now() + time;
        const step = () => {
          count += 1;
          if (performance.now() < end) requestAnimationFrame(step);
          else resolve(count);
        };
        requestAnimationFrame(step);
      }),
    ms,
  );
}

async function heapBytes(session: CDPSession): Promise<number> {
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = (await session.send("Runtime.getHeapUsage")) as { usedSize: number };
  return usedSize;
}

test("a thousand updates a second leave the list smooth, and its memory as it was", async ({
  signedIn: page,
  orchestrator,
}) => {
  const jobs: string[] = [];
  for (let number = 0; number < 40; number++)
    jobs.push(await orchestrator.submit("nothing-runs-this", { parameters: { number } }));
  await page.addInitScript(keepSockets);
  await page.goto(`${orchestrator.url}/jobs`);
  await expect(page.getByRole("row").nth(10)).toBeVisible();
  await expect(page.getByRole("status").filter({ hasText: "Live" })).toBeVisible();
  await page.evaluate(flood, jobs);
  await expect(page.getByText("Running", { exact: true }).first()).toBeVisible();
  const session = await page.context().newCDPSession(page);
  await frames(page, 2 * SECOND_MS);
  const before = await heapBytes(session);
  // The machine is small and shared: the best of a few seconds is what the page can do.
  const seen: number[] = [];
  for (let second = 0; second < 6; second++) seen.push(await frames(page, SECOND_MS));
  expect(Math.max(...seen)).toBeGreaterThan(30);
  expect((await heapBytes(session)) - before).toBeLessThan(8 * 1024 * 1024);
  const sent = await page.evaluate(() => (window as unknown as { stopFlood: () => number }).stopFlood());
  expect(sent).toBeGreaterThan(5000);
});

test("a log of a hundred thousand lines is a few rows of the page, and following never steals the scroll", async ({
  signedIn: page,
  orchestrator,
}) => {
  orchestrator.command("count", ["seq", "100000"]);
  orchestrator.command("two", ["printf", "while you read\nand another\n"]);
  await orchestrator.addRobot("writer", ["write"]);
  await page.goto(`${orchestrator.url}/logs`);
  await expect(page.getByText("No line yet")).toBeVisible();
  await orchestrator.submit("count", { tags: ["write"] });
  const log = page.getByRole("log");
  await expect(log).toContainText("100000", { timeout: 45_000 });
  // On a busy machine the page may fall behind; then it says what it has not got.
  await expect(page.getByText(/^(?:[5-9]\d|100),\d{3} lines$/)).toBeVisible();
  expect(await log.locator("[data-level]").count()).toBeLessThan(200);

  await log.evaluate((element) => element.scrollTo({ top: element.scrollHeight / 2 }));
  await expect(page.getByRole("button", { name: "Follow" })).toBeVisible();
  const place = await log.evaluate((element) => element.scrollTop);
  await orchestrator.submit("two", { tags: ["write"] });
  await expect(page.getByRole("button", { name: "2 new lines" })).toBeVisible();
  expect(await log.evaluate((element) => element.scrollTop)).toBe(place);
  await page.getByRole("button", { name: "2 new lines" }).click();
  await expect(log).toContainText("and another");
});

test("lines that a viewer has not got are shown as a gap", async ({ signedIn: page, orchestrator }) => {
  const opened = listenedTo(page, /\/ws\/logs/);
  await page.goto(`${orchestrator.url}/logs?job=job-that-is-not-there`);
  await expect(page.getByText("No line yet")).toBeVisible();
  const payload = { robot_id: "desk", level: "INFO", timestamp: "2026-03-02T08:15:00.000Z", node_id: null };
  const line = { ...payload, message: "after a gap", job_id: "job-that-is-not-there" };
  (await opened).send(JSON.stringify({ type: "log", log_id: 10_000_000, seq: 9, dropped: 7, payload: line }));
  await expect(page.getByRole("log")).toContainText("7 lines are missing here");
  await expect(page.getByRole("log")).toContainText("after a gap");
});

test("the contract's own sample runs in a browser as it is written", async ({ page, orchestrator }) => {
  const [, sample = ""] = /```typescript\n([\s\S]*?)```/.exec(readFileSync(REFERENCE, "utf8")) ?? [];
  expect(sample).toContain("new WebSocket(");
  const program = `
    const jwt = ${JSON.stringify(await orchestrator.login())};
    const showJob = (jobId, status) => { document.title = jobId + " " + status; };
    ${sample.replace("ws://127.0.0.1:8000", orchestrator.url.replace("http", "ws"))}
    stream.onopen = () => { document.body.textContent = "open"; };`;
  const body = `<!doctype html><body><script>window.onload = () => {${program}};</script></body>`;
  await page.route("**/sample.html", (route) => route.fulfill({ contentType: "text/html", body }));
  await page.goto(`${orchestrator.url}/sample.html`);
  await expect(page.locator("body")).toHaveText("open");
  const jobId = await orchestrator.submit("nothing-runs-this", { tags: ["nobody"] });
  await expect(page).toHaveTitle(`${jobId} pending`);
});
