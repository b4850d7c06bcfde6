import { test as base, expect, type Page } from "@playwright/test";
import { Orchestrator } from "./orchestrator";

export { expect };

/** A workflow that runs for `steps` half seconds and reports progress; with `fail` it fails at the end. */
export const SLOW = `
import time
from casare_rpa.robot.tasks import logger, progress, task

@task
def main(steps: int = 6, fail: bool = False):
    for step in range(steps):
        logger.info("step %d of %d", step + 1, steps)
        progress(100 * (step + 1) / steps, f"step {step + 1}")
        time.sleep(0.5)
    if fail:
        logger.error("the window 'Orders' did not open")
        raise RuntimeError("The window 'Orders' did not open within 30 s")
    return {"steps": steps}
`;

interface Shared {
  orchestrator: Orchestrator;
}

interface Own {
  signedIn: Page;
}

/** One orchestrator per test file, and a page that is signed in. An uncaught error of the page fails the test. */
export const test = base.extend<Own, Shared>({
  orchestrator: [
    // biome-ignore lint/correctness/noEmptyPattern: the test runner requires an object pattern
    async ({}, use) => {
      const orchestrator = await Orchestrator.start();
      orchestrator.workflow("slow", SLOW);
      await use(orchestrator);
      await orchestrator.stop();
    },
    { scope: "worker" },
  ],
  signedIn: async ({ page, orchestrator }, use) => {
    const problems: string[] = [];
    page.on("pageerror", (problem) => problems.push(problem.message));
    // Each test has its own session, because a sign-out ends it.
    await page.context().addCookies([await orchestrator.cookie()]);
    await page.goto(orchestrator.url);
    await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
    await use(page);
    expect(problems).toEqual([]);
  },
});

const ROBOTS = 300;

interface Fleet {
  /** Replaces the updates and log lines a second of the fleet: 50 and 20 until this is called. */
  atRate: (updates: number, lines: number) => Promise<void>;
  /** Ends all robots at once, without a farewell. */
  kill: () => void;
}

/** An option of a project. */
export interface Store {
  /** Number of jobs in the store. */
  jobs: number;
}

/** As `test`, with 300 connected robots, 50,000 jobs, 50 updates and 20 log lines a second. */
export const busyTest = test.extend<Record<never, never>, Shared & Store & { fleet: Fleet }>({
  jobs: [50_000, { scope: "worker", option: true }],
  orchestrator: [
    async ({ jobs }, use) => {
      const orchestrator = await Orchestrator.filled(ROBOTS, jobs);
      await use(orchestrator);
      await orchestrator.stop();
    },
    { scope: "worker", timeout: 300_000 },
  ],
  fleet: [
    async ({ orchestrator }, use) => {
      let working = await orchestrator.work(ROBOTS, 50, 20);
      await use({
        atRate: async (updates, lines) => {
          working.kill("SIGKILL");
          working = await orchestrator.work(ROBOTS, updates, lines);
        },
        kill: () => void working.kill("SIGKILL"),
      });
    },
    { scope: "worker", auto: true, timeout: 120_000 },
  ],
});

export async function signIn(page: Page, orchestrator: Orchestrator): Promise<void> {
  await page.goto(orchestrator.url);
  await page.getByRole("textbox", { name: "Password" }).fill(orchestrator.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
}

/** The badge next to the heading with the state of the job or robot. */
export const state = (page: Page) => page.locator("#content [data-tone]").first();

/** Follows a link of the menu. */
export async function go(page: Page, name: string): Promise<void> {
  await page.getByRole("navigation").getByRole("link", { name, exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name, exact: true })).toBeVisible();
}

/** Resolves when a value in the page has changed, so that live data is known to flow. */
export async function flows(read: () => Promise<string | null>): Promise<void> {
  const before = await read();
  await expect.poll(read).not.toBe(before);
}
