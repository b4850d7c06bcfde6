// Measures the time until the pages of a full store are shown. Usage: full-store.mjs DATA_DIR PORT
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const [folder = ".casare-bench", port = "8791"] = process.argv.slice(2);
const url = `http://127.0.0.1:${port}`;
const TIMES = 5;
const PAGES = {
  "/": "figure canvas",
  "/robots": "#content ul a",
  "/jobs": "[data-index]",
  "/jobs?status=failed&queue=payroll": "[data-index]",
  "/jobs?q=workflow-1": "[data-index]",
  "/queues": "#content section",
};
const REQUESTS = [
  "/overview",
  "/failures",
  "/robots",
  "/jobs?limit=100",
  "/jobs?status=failed&queue=payroll&limit=100",
  "/jobs?q=workflow-1&limit=100",
  "/jobs?reason=rejected&queue=payroll&limit=100",
  "/jobs/count?status=failed",
];

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const shown = (values) => `${Math.round(median(values))} (${Math.round(Math.max(...values))})`;

const server = spawn(join(ROOT, ".venv/bin/casare"), ["serve", "--port", port, "--data-dir", folder], {
  stdio: "ignore",
});
try {
  while (
    !(await fetch(`${url}/health/ready`).then(
      (answer) => answer.ok,
      () => false,
    ))
  ) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const read = (name) => readFileSync(join(folder, name), "utf8").trim();
  console.log("request                                            ms: median (worst)");
  for (const path of REQUESTS) {
    const took = [];
    for (let time = 0; time < TIMES; time++) {
      const began = performance.now();
      const answer = await fetch(`${url}/api/v1${path}`, { headers: { "X-API-Secret": read("api_secret") } });
      await answer.text();
      took.push(performance.now() - began);
    }
    console.log(path.padEnd(50), shown(took));
  }
  const browser = await chromium.launch({
    executablePath: process.env.CASARE_CHROMIUM ?? "/usr/bin/chromium",
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
  const page = await browser.newPage({ viewport: { width: 1360, height: 860 } });
  await page.goto(url);
  await page.fill("input[name=password]", read("admin_password"));
  await page.keyboard.press("Enter");
  await page.waitForSelector("#content h1");
  console.log("page                                               first paint, ms   data there, ms");
  for (const [path, data] of Object.entries(PAGES)) {
    const painted = [];
    const there = [];
    for (let time = 0; time < TIMES; time++) {
      const began = Date.now();
      await page.goto(url + path, { waitUntil: "commit" });
      await page.waitForSelector(data);
      there.push(Date.now() - began);
      painted.push(
        await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0),
      );
    }
    console.log(path.padEnd(50), shown(painted).padEnd(17), shown(there));
  }
  await browser.close();
} finally {
  server.kill("SIGKILL");
}
