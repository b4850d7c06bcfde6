import { loadavg } from "node:os";
import type { Page } from "@playwright/test";
import { expect, flows, busyTest as test } from "./fixtures";
import { frames } from "./frames";

/** The dashboard on full stores, while 300 robots send 50 updates and 20 log lines a second. bench/README.md has the method. */

const TIMES = 5;
const FRAME_SECONDS = 5;
const SECOND_MS = 1000;

/** By the number of jobs of the store. */
const FIRST_DATA_MS: Record<number, number> = { 50000: 600, 1000000: 1000 };
const FILTER_MS = 500;
const FRAMES = 50;

/** What each page shows when its first data is there. */
const PAGES: Record<string, string> = {
  "/": "#content figure canvas",
  "/robots": "#content ul a",
  "/jobs": "#content [data-index]",
  "/jobs?status=failed&queue=payroll": "#content [data-index]",
  "/jobs?q=workflow-1": "#content [data-index]",
  "/failures": "#content a[href*='fingerprint']",
  "/queues": "#content section h2",
  "/workflows": "#content a[href*='/workflows/workflow-']",
  "/workflows/workflow-1": "#content figure canvas",
  "/logs": "#content [data-line]",
};

interface Measured {
  name: string;
  value: number;
  limit: number;
  unit: "ms" | "frames/s";
}

const met = ({ value, limit, unit }: Measured) => (unit === "ms" ? value <= limit : value >= limit);

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** The median of `TIMES` turns, in milliseconds. */
async function timed(turn: () => Promise<number>): Promise<number> {
  const took: number[] = [];
  for (let time = 0; time < TIMES; time++) took.push(await turn());
  return Math.round(median(took));
}

/** Milliseconds from the request of the page until its first data is there. */
async function firstData(page: Page, url: string, data: string): Promise<number> {
  const began = performance.now();
  await page.goto(url, { waitUntil: "commit" });
  await page.waitForSelector(data);
  return performance.now() - began;
}

/** Milliseconds from the last key in a search field until `shown` holds in the page. */
async function typed(page: Page, url: string, label: string, text: string, shown: () => boolean): Promise<number> {
  await page.goto(url);
  const field = page.getByRole("textbox", { name: label });
  await page.locator("#content [data-index], #content ul a").first().waitFor();
  await field.pressSequentially(text.slice(0, -1));
  const began = performance.now();
  await field.press(text.slice(-1));
  await page.waitForFunction(shown);
  return performance.now() - began;
}

/** Milliseconds from the choice of a state until all shown rows have it. */
async function chosen(page: Page, url: string): Promise<number> {
  await page.goto(`${url}/jobs`);
  await page.locator("#content [data-index]").first().waitFor();
  await page.getByRole("combobox", { name: "Status" }).click();
  const option = page.getByRole("option", { name: "Completed", exact: true });
  await option.waitFor();
  const began = performance.now();
  await option.click();
  await page.waitForFunction(() => {
    const rows = [...document.querySelectorAll("#content [data-index] [data-tone]")];
    return rows.length > 0 && rows.every((row) => row.textContent === "Completed");
  });
  return performance.now() - began;
}

async function filters(page: Page, url: string): Promise<Record<string, number>> {
  return {
    "/jobs, text": await timed(() =>
      typed(page, `${url}/jobs`, "Workflow or job id", "workflow-17", () => {
        const rows = [...document.querySelectorAll("#content [data-index]")];
        return rows.length > 0 && rows.every((row) => row.textContent?.includes("workflow-17"));
      }),
    ),
    "/jobs, status": await timed(() => chosen(page, url)),
    "/robots, text": await timed(() =>
      typed(page, `${url}/robots`, "Robot or tag", "robot-00042", () => {
        const rows = [...document.querySelectorAll("#content ul a")];
        return rows.length > 0 && rows.every((row) => row.textContent?.includes("robot-00042"));
      }),
    ),
    "/logs, text": await timed(() =>
      typed(page, `${url}/logs`, "Text in the line", "KeyError", () => {
        const rows = [...document.querySelectorAll("#content [data-line]")];
        return rows.length > 0 && rows.every((row) => row.textContent?.includes("KeyError"));
      }),
    ),
  };
}

/** Frames a second of a page while updates arrive: the median of some seconds. */
async function frameRate(page: Page, url: string, data: string): Promise<number> {
  await firstData(page, url, data);
  await frames(page, 2 * SECOND_MS);
  const seconds: number[] = [];
  for (let second = 0; second < FRAME_SECONDS; second++) seconds.push(await frames(page, SECOND_MS));
  return median(seconds);
}

function table(title: string, rows: Measured[]): string {
  const lines = rows.map((row) => {
    const limit = `${row.unit === "ms" ? "≤" : "≥"} ${row.limit}`;
    const value = `${row.value} ${row.unit}`;
    return `${row.name.padEnd(48)}${value.padStart(14)}${limit.padStart(9)}  ${met(row) ? "met" : "MISSED"}`;
  });
  return [`\n${title}; load of the machine ${loadavg()[0]?.toFixed(1)}`, ...lines].join("\n");
}

test("first data, filters and frames a second are within their limits", async ({
  signedIn: page,
  orchestrator,
  jobs,
}) => {
  const { url } = orchestrator;
  await page.goto(`${url}/jobs`);
  await flows(() =>
    page
      .getByText(/^invoice \d+ of 100$/)
      .first()
      .textContent(),
  );
  const rows: Measured[] = [];
  for (const [path, data] of Object.entries(PAGES)) {
    const value = await timed(() => firstData(page, url + path, data));
    rows.push({ name: `first data ${path}`, value, limit: FIRST_DATA_MS[jobs] ?? Number.NaN, unit: "ms" });
  }
  for (const [name, value] of Object.entries(await filters(page, url)))
    rows.push({ name: `filter ${name}`, value, limit: FILTER_MS, unit: "ms" });
  for (const path of ["/", "/robots", "/jobs", "/logs"]) {
    const value = await frameRate(page, url + path, PAGES[path] ?? "");
    rows.push({ name: `frames ${path}`, value, limit: FRAMES, unit: "frames/s" });
  }
  process.stdout.write(`${table(`${jobs.toLocaleString("en")} jobs`, rows)}\n`);
  expect(rows.filter((row) => !met(row)).map((row) => row.name)).toEqual([]);
});
