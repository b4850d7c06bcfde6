// Takes the screenshots in docs/images/ from a real server with real robots. Takes about three minutes, because the
// charts need two samples. With a FOLDER, the screenshots are written there, with every page in each look of LOOKS.
// Usage: node e2e/screenshots.mjs [PORT [FOLDER]]
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const IMAGES = process.argv[3] ?? join(ROOT, "docs/images");
const CASARE = join(ROOT, ".venv/bin/casare");
const port = process.argv[2] ?? "8790";
const url = `http://127.0.0.1:${port}`;
const folder = mkdtempSync(join(tmpdir(), "casare-screenshots-"));
const data = join(folder, "data");
const SYNC = `
import time
from casare_rpa.robot.tasks import BusinessError, logger, progress, task

@task
def main(first: int = 4000, count: int = 12, seconds: float = 0.1, missing_tax_number: bool = False, no_window: bool = False):
    for number in range(count):
        logger.info("customer %d is up to date", first + number)
        progress(100 * (number + 1) / count, f"customer {number + 1} of {count}")
        time.sleep(seconds)
    if missing_tax_number:
        raise BusinessError(f"customer {first} has no tax number")
    if no_window:
        logger.error("login window: the field 'Password' was not found")
        raise RuntimeError("The field 'Password' was not found within 30 s")
    return {"customers": count}
`;
mkdirSync(join(folder, "workflows/customer-sync"), { recursive: true });
writeFileSync(join(folder, "workflows/customer-sync/tasks.py"), SYNC);

const processes = [];
const run = (args, env = {}) => {
  const options = { cwd: folder, env: { ...process.env, CASARE_DATA_DIR: data, ...env }, stdio: "ignore" };
  processes.push(spawn(CASARE, args, options));
};
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const secret = () => readFileSync(join(data, "api_secret"), "utf8").trim();
const request = async (method, path, body) => {
  const headers = { "X-API-Secret": secret(), "Content-Type": "application/json" };
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const response = await fetch(`${url}/api/v1${path}`, init);
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
};
const submit = (parameters, more = {}) =>
  request("POST", "/jobs", { workflow_id: "customer-sync", parameters, tags: ["sap"], ...more });

async function fill() {
  await request("POST", "/queues", { queue: "payroll" });
  await request("POST", "/queues/payroll/pause", { reason: "waiting for the new tax table" });
  for (const number of [1, 2, 3, 4, 5, 6]) {
    const robotId = `desk-0${number}`;
    await request("POST", "/robots", { robot_id: robotId, tags: ["sap"] });
    const { api_key: key } = await request("POST", `/robots/${robotId}/keys`);
    const address = url.replace("http", "ws");
    const args = ["robot", "run", "--url", address, "--robot-id", robotId, "--workflows", join(folder, "workflows")];
    run(args, { CASARE_API_KEY: key });
  }
  await request("POST", "/robots", { robot_id: "desk-07", tags: ["sap"] });
  for (let number = 0; number < 48; number++) await submit({ first: 4000 + 12 * number });
  for (let number = 0; number < 4; number++) await submit({ first: 4003, missing_tax_number: true });
  for (let number = 0; number < 7; number++) await submit({ first: 4600, no_window: true });
  await request("POST", "/view-links", { name: "lobby" });
  await request("POST", "/jobs", { workflow_id: "payroll-run", tags: ["hr"] });
  for (const month of [1, 2])
    await request("POST", "/jobs", { workflow_id: "payslips", parameters: { month }, queue: "payroll" });
}

const LOOKS = {
  light: { width: 1366, height: 860, colorScheme: "light" },
  dark: { width: 1366, height: 860, colorScheme: "dark" },
  phone: { width: 390, height: 844, colorScheme: "light" },
  wide: { width: 2560, height: 1440, colorScheme: "light" },
};

/** The pages and views by the names of their pictures. */
const PAGES = {
  overview: "/",
  robots: "/robots",
  "robots-map": "/robots?view=map",
  "robots-list": "/robots?view=list",
  "robots-timeline": "/robots?view=time",
  "add-robot": "/robots/new",
  robot: "/robots/desk-01",
  jobs: "/jobs",
  "run-job": "/jobs/new",
  logs: "/logs",
  queues: "/queues",
  workflows: "/workflows",
  workflow: "/workflows/customer-sync",
  audit: "/audit",
  failures: "/failures",
  access: "/access",
};

/** Every page in every look, with the given failed job as the job page. */
async function shootAll(page, jobId) {
  for (const [look, { colorScheme, ...size }] of Object.entries(LOOKS)) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(size);
    for (const [name, path] of Object.entries({ ...PAGES, "failed-job": `/jobs/${jobId}` })) {
      await page.goto(url + path);
      await wait(1500);
      await page.screenshot({ path: join(IMAGES, `${look}-${name}.png`) });
    }
  }
}

async function shoot(browser) {
  const page = await browser.newPage({ viewport: { width: 1360, height: 860 } });
  await page.goto(url);
  const password = readFileSync(join(data, "admin_password"), "utf8").trim();
  await page.getByRole("textbox", { name: "Password" }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  for (const first of [7000, 7100, 7200]) await submit({ first, count: 400, seconds: 0.5 });
  await request("POST", "/robots/desk-06/drain", { reason: "update tonight" });
  const failed = await request("GET", "/jobs?status=failed&limit=100");
  const job = failed.items.find((one) => one.error.message.includes("Password"));
  await wait(20_000);
  for (const [name, path, colorScheme] of [
    ["overview", "/?range=1h", "light"],
    ["overview-dark", "/?range=1h", "dark"],
    ["failed-job", `/jobs/${job.job_id}`, "light"],
    ["jobs-dark", "/jobs", "dark"],
  ]) {
    await page.emulateMedia({ colorScheme });
    await page.goto(url + path);
    await wait(2000);
    await page.screenshot({ path: join(IMAGES, `${name}.png`) });
  }
  if (process.argv[3] !== undefined) await shootAll(page, job.job_id);
}

try {
  run(["serve", "--port", port, "--data-dir", data]);
  while (
    !(await fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    ))
  )
    await wait(200);
  await fill();
  await wait(130_000);
  const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"];
  const browser = await chromium.launch({ executablePath: process.env.CASARE_CHROMIUM ?? "/usr/bin/chromium", args });
  await shoot(browser);
  await browser.close();
} finally {
  for (const one of processes) one.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
}
