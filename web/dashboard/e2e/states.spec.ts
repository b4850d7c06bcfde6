import type { Page, Route } from "@playwright/test";
import { accessTexts } from "../src/texts/access";
import { common } from "../src/texts/common";
import { instanceTexts } from "../src/texts/instances";
import { jobTexts, jobTextsOne } from "../src/texts/jobs";
import { logTexts } from "../src/texts/logs";
import { overviewTexts } from "../src/texts/overview";
import { queueTexts } from "../src/texts/queues";
import { robotTexts, robotTextsOne } from "../src/texts/robots";
import { expect, state, test } from "./fixtures";
import type { Orchestrator } from "./orchestrator";

/** No panel states anything before its data arrived, and the last data stays when the server is away. */

/** Sentences that are true only of empty data. Every panel of these tests has data, so each of them would be false. */
const STATEMENTS: readonly string[] = [
  overviewTexts.noFailures,
  overviewTexts.noDepth,
  overviewTexts.emptyTitle,
  robotTexts.none,
  robotTexts.noBeats,
  robotTextsOne.noJobs,
  robotTextsOne.noKeys,
  robotTextsOne.noAudit,
  robotTextsOne.gone,
  jobTexts.noneYet,
  jobTextsOne.noLines,
  jobTextsOne.noLinesYet,
  jobTextsOne.gone,
  queueTexts.noHistory,
  queueTexts.noAudit,
  logTexts.empty,
  logTexts.hidden,
  common.audit.none,
  accessTexts.noLinks,
  accessTexts.noSessions,
  instanceTexts.none,
];
const STATE = "[data-state='loading'], [data-state='failed']";
/** Requests of a page whose data is a choice of a field, a bar, the title, or a number next to a heading. */
const WITHOUT_PANEL: Record<string, RegExp> = {
  "/": /\/never/,
  "/robots": /\/overview|\/robots\/beats/,
  "/robots?view=time": /\/overview/,
  "/robots/desk": /\/overview/,
  "/jobs": /\/overview|\/jobs\/count|\/queues/,
  "/logs": /\/overview/,
  "/queues": /\/overview/,
  "/audit": /\/overview/,
  "/failures": /\/overview/,
  "/access": /\/overview/,
  "/instances": /\/overview/,
};
/** Without the names of robots, every page shows their ids. */
const NAMES = "/api/v1/robots/names";
const withoutPanel = (path: string, request: string) =>
  request === NAMES ||
  (path.includes("job-")
    ? /\/overview/.test(request) || (path.startsWith("/logs") && request.includes("/jobs/"))
    : WITHOUT_PANEL[path]?.test(request) === true);

async function statements(page: Page): Promise<string[]> {
  const text = (await page.locator("#content").textContent()) ?? "";
  const labels = await page.locator("#content [aria-label]").evaluateAll((found) => found.map((one) => one.ariaLabel));
  return STATEMENTS.filter((statement) => text.includes(statement) || labels.includes(statement));
}

/** Opens a page and returns the GET requests to the API that its panels send. */
async function requestsOf(page: Page, address: string): Promise<string[]> {
  const sent = new Set<string>();
  const note = (request: { method: () => string; url: () => string }) => {
    const { pathname } = new URL(request.url());
    if (request.method() === "GET" && pathname.startsWith("/api/")) sent.add(pathname);
  };
  await page.goto(new URL("/health/ready", address).href); // ends the requests of the page before
  page.on("request", note);
  await page.goto(address);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator(STATE)).toHaveCount(0);
  page.off("request", note);
  return [...sent];
}

const refuse = (route: Route) =>
  route.fulfill({
    status: 403,
    json: { type: "error", payload: { code: "AUTH_FAILED", message: "refused by the test" } },
  });

type Mode = "loading" | "failed";

/** Fails or holds each request of each page in turn, and checks what the page says. */
async function checkStatements(page: Page, orchestrator: Orchestrator, mode: Mode): Promise<void> {
  test.setTimeout(240_000);
  if (mode === "failed") await orchestrator.addRobot("desk", ["desk"]);
  else await orchestrator.post("/robots/desk/resume", { reason: "test" });
  const failed = await orchestrator.submit("slow", { parameters: { steps: 1, fail: true }, tags: ["desk"] });
  if (mode === "failed") await orchestrator.post("/queues", { queue: "payroll" });
  await orchestrator.post("/queues/payroll/pause", { reason: "test" });
  await page.goto(`${orchestrator.url}/jobs/${failed}`);
  await expect(state(page)).toHaveText("Error");
  await expect(page.getByText(/Last \d+ lines/).first()).toBeVisible();
  await orchestrator.post("/robots/desk/drain", { reason: "test" });
  const seen = new Set<string>();
  for (const path of [
    "/",
    "/robots",
    "/robots?view=time",
    "/robots/desk",
    "/jobs",
    `/jobs/${failed}`,
    "/logs",
    `/logs?job=${failed}`,
    "/queues",
    "/audit",
    "/failures",
    "/access",
    "/instances",
  ]) {
    const address = orchestrator.url + path;
    const requests = await requestsOf(page, address);
    // True of a new server: it has too few samples for the charts over time, and no links.
    const known = await statements(page);
    const news: string[] = [overviewTexts.noDepth, queueTexts.noHistory, accessTexts.noLinks];
    expect(known.filter((one) => !news.includes(one))).toEqual([]);
    for (const request of requests) {
      seen.add(request.replace(failed, "{job}"));
      const only = (url: URL) => url.pathname === request;
      await page.route(only, mode === "failed" ? refuse : () => undefined);
      await page.goto(address);
      if (withoutPanel(path, request)) await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      else await expect(page.locator(`[data-state='${mode}']`).first()).toBeVisible();
      const said = (await statements(page)).filter((one) => !known.includes(one));
      expect(said, `${path}, ${request} ${mode}`).toEqual([]);
      await page.unroute(only);
    }
  }
  expect([...seen].sort()).toEqual([
    "/api/v1/audit",
    "/api/v1/failures",
    "/api/v1/instances",
    "/api/v1/jobs",
    "/api/v1/jobs/count",
    "/api/v1/jobs/{job}",
    "/api/v1/jobs/{job}/events",
    "/api/v1/jobs/{job}/steps",
    "/api/v1/logs",
    "/api/v1/overview",
    "/api/v1/queues",
    "/api/v1/queues/history",
    "/api/v1/robots",
    "/api/v1/robots/beats",
    "/api/v1/robots/desk",
    "/api/v1/robots/desk/keys",
    "/api/v1/robots/names",
    "/api/v1/runs",
    "/api/v1/sessions",
    "/api/v1/view-links",
  ]);
}

test("no panel states anything after its request failed @long", async ({ signedIn: page, orchestrator }) =>
  checkStatements(page, orchestrator, "failed"));

test("no panel states anything while its request is open @long", async ({ signedIn: page, orchestrator }) =>
  checkStatements(page, orchestrator, "loading"));

test("an id that does not exist is named as such", async ({ signedIn: page, orchestrator }) => {
  await page.goto(`${orchestrator.url}/jobs/job-unknown`);
  await expect(page.getByRole("heading", { name: jobTextsOne.gone })).toBeVisible();
  await page.goto(`${orchestrator.url}/robots/unknown`);
  await expect(page.getByRole("heading", { name: robotTextsOne.gone })).toBeVisible();
});

test("with the server away the data stays, grey and with its age @long", async ({ signedIn: page, orchestrator }) => {
  test.setTimeout(150_000);
  await orchestrator.post("/robots", { robot_id: "away" });
  await page.goto(`${orchestrator.url}/robots`);
  await expect(page.getByRole("list", { name: "Robots" })).toContainText("away");
  await orchestrator.kill();
  await expect(page.getByRole("alert").filter({ hasText: "Not connected" })).toContainText(/\d+ s ago/);
  await expect(page).toHaveTitle(/^⚠ Not connected/);
  // The next request fails after its repetitions.
  await expect(page.getByText("Not up to date")).toBeVisible({ timeout: 50_000 });
  await expect(page.getByRole("list", { name: "Robots" })).toContainText("away");
  expect(await page.locator("#content").evaluate((element) => getComputedStyle(element).filter)).toContain("grayscale");
  await orchestrator.serve();
  await expect(page.getByText("Not up to date")).toBeHidden({ timeout: 40_000 });
  // The tests before have failed jobs, which the title counts.
  await expect(page).toHaveTitle(/^(\d+ failed · )?Robots/);
});
