import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { CDPSession, Page, WebSocketRoute } from "@playwright/test";
import { expect, test } from "./fixtures";
import { frames } from "./frames";

const REFERENCE = fileURLToPath(new URL("../../../docs/reference/websocket-contract.md", import.meta.url));
const SECOND_MS = 1000;

/** The next socket of the page that matches, as `opened`; the test can send messages to the page through it. */
async function intercepted(page: Page, path: RegExp): Promise<{ opened: Promise<WebSocketRoute> }> {
  let take: (socket: WebSocketRoute) => void = () => undefined;
  const opened = new Promise<WebSocketRoute>((resolve) => {
    take = resolve;
  });
  // Awaited: a page that is opened earlier would connect past the route.
  await page.routeWebSocket(path, (socket) => {
    socket.connectToServer();
    take(socket);
  });
  return { opened };
}

/** Runs in the page: keeps its sockets, so that the test can deliver more messages than a server on this machine sends. */
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

/** Runs in the page: delivers 1,000 updates per second about these jobs until `stopFlood` is called. */
function flood(jobs: string[]): void {
  const socket = (window as unknown as { openedSockets: WebSocket[] }).openedSockets.findLast((one) =>
    one.url.includes("/ws/admin"),
  );
  const began = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    // One update per millisecond since the start, independent of delays of the timer.
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

async function heapBytes(session: CDPSession): Promise<number> {
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = (await session.send("Runtime.getHeapUsage")) as { usedSize: number };
  return usedSize;
}

test("with 1,000 updates per second the list stays alive and its memory constant", async ({
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
  // `make bench-dashboard` measures the frame rate. This bound finds a page that freezes, also on a slow machine.
  const seen: number[] = [];
  for (let second = 0; second < 6; second++) seen.push(await frames(page, SECOND_MS));
  expect(Math.max(...seen)).toBeGreaterThan(5);
  expect((await heapBytes(session)) - before).toBeLessThan(8 * 1024 * 1024);
  const sent = await page.evaluate(() => (window as unknown as { stopFlood: () => number }).stopFlood());
  expect(sent).toBeGreaterThan(5000);
});

test("a log of 100,000 lines has few rows in the DOM, and following does not move the scroll position @long", async ({
  signedIn: page,
  orchestrator,
}) => {
  orchestrator.command("count", ["seq", "100000"]);
  orchestrator.command("two", ["printf", "while you read\nand another\n"]);
  await orchestrator.addRobot("writer", ["write"]);
  await page.goto(`${orchestrator.url}/logs`);
  await expect(page.getByText("No log lines yet")).toBeVisible();
  await orchestrator.submit("count", { tags: ["write"] });
  const log = page.getByRole("log");
  await expect(log).toContainText("100000", { timeout: 45_000 });
  // On a busy machine the page can fall behind; then it shows a gap.
  await expect(page.getByText(/^(?:[5-9]\d|100),\d{3} lines$/)).toBeVisible();
  expect(await log.locator("[data-level]").count()).toBeLessThan(200);

  await log.evaluate((element) => element.scrollTo({ top: element.scrollHeight / 2 }));
  await expect(page.getByRole("button", { name: "Follow" })).toBeVisible();
  // A full viewer removes old lines above, so the place of a visible line counts, and not the number of pixels above it.
  const seen = log.locator("[data-line]").nth(60);
  const middle = log.locator(`[data-line="${await seen.getAttribute("data-line")}"]`);
  const place = await middle.boundingBox();
  await orchestrator.submit("two", { tags: ["write"] });
  await expect(page.getByRole("button", { name: "2 new lines" })).toBeVisible();
  expect((await middle.boundingBox())?.y).toBe(place?.y);
  await page.getByRole("button", { name: "2 new lines" }).click();
  await expect(log).toContainText("and another");
});

test("missing lines are shown as a gap", async ({ signedIn: page, orchestrator }) => {
  const { opened } = await intercepted(page, /\/ws\/logs/);
  await page.goto(`${orchestrator.url}/logs?job=job-that-is-not-there`);
  await expect(page.getByText("No log lines yet")).toBeVisible();
  const payload = { robot_id: "desk", level: "INFO", timestamp: "2026-03-02T08:15:00.000Z", node_id: null };
  const line = { ...payload, message: "after a gap", job_id: "job-that-is-not-there" };
  (await opened).send(JSON.stringify({ type: "log", log_id: 10_000_000, seq: 9, dropped: 7, payload: line }));
  await expect(page.getByRole("log")).toContainText("7 lines missing here");
  await expect(page.getByRole("log")).toContainText("after a gap");
});

test("the sample of the contract runs unchanged in a browser", async ({ page, orchestrator }) => {
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
