import type { Page } from "@playwright/test";
import { expect, flows, busyTest as test } from "./fixtures";

/** Typing, clicking, scrolling and reading with 300 robots, 50,000 jobs, 50 updates and 20 log lines a second. */

/** Types as a person does, and waits until the address has the text. */
async function search(page: Page, label: string, text: string, parameter: string): Promise<void> {
  const field = page.getByRole("textbox", { name: label });
  await field.pressSequentially(text, { delay: 40 });
  await expect(page).toHaveURL(new RegExp(`[?&]${parameter}=${text}`), { timeout: 4000 });
  await expect(field).toHaveValue(text);
}

const figure = (page: Page) => page.getByText(/^invoice \d+ of 100$/).first();

test("every search field applies its text while updates arrive @long", async ({ signedIn: page, orchestrator }) => {
  await page.goto(`${orchestrator.url}/jobs`);
  await flows(() => figure(page).textContent());
  await search(page, "Workflow or job id", "workflow-17", "q");
  await expect(page.getByRole("row").nth(1)).toContainText("workflow-17");
  await page.goto(`${orchestrator.url}/robots`);
  await search(page, "Robot or tag", "robot-00042", "q");
  await expect(page.getByRole("status").filter({ hasText: "1 of 300 shown" })).toBeVisible();
  await page.goto(`${orchestrator.url}/logs`);
  await expect(page.getByRole("log")).toContainText("was read");
  await search(page, "Text in the line", "KeyError", "q");
  await expect(page.getByRole("log")).not.toContainText("was read");
  await expect(page.getByRole("log")).toContainText("KeyError");
  await search(page, "Node", "none", "node");
});

test("the search fields apply their text at 1,000 updates a second @long", async ({
  signedIn: page,
  orchestrator,
  fleet,
}) => {
  await fleet.atRate(1000, 20);
  await page.goto(`${orchestrator.url}/jobs`);
  await flows(() => figure(page).textContent());
  await search(page, "Workflow or job id", "invoices", "q");
  await flows(() => figure(page).textContent());
  await page.goto(`${orchestrator.url}/logs`);
  await expect(page.getByRole("log")).toContainText("was read");
  await search(page, "Text in the line", "KeyError", "q");
  await fleet.atRate(50, 20);
});

test("a click opens the row under the pointer, and the list stays where it was scrolled to @long", async ({
  signedIn: page,
  orchestrator,
}) => {
  await page.goto(`${orchestrator.url}/jobs`);
  await flows(() => figure(page).textContent());
  const table = page.getByRole("table");
  await table.hover();
  await page.mouse.wheel(0, 500);
  const one = page.getByRole("row").filter({ hasText: "Running" }).filter({ visible: true }).nth(20);
  const jobId = (await one.locator('a[href*="/jobs/job-"]').first().getAttribute("href"))?.split("/").at(-1) ?? "";
  const row = page.getByRole("row").filter({ has: page.locator(`a[href$="${jobId}"]`) });
  await expect(row).toBeInViewport();
  const place = await row.boundingBox();
  await flows(() => row.textContent());
  expect((await row.boundingBox())?.y).toBe(place?.y);
  await row.click({ position: { x: (place?.width ?? 0) - 20, y: 10 } });
  await expect(page).toHaveURL(`${orchestrator.url}/jobs/${jobId}`);
  await expect(page.getByRole("heading", { level: 1, name: "invoices" })).toBeVisible();
});

test("log lines with several lines of text do not overlap, and are copied as lines", async ({
  signedIn: page,
  orchestrator,
  context,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(`${orchestrator.url}/logs`);
  const log = page.getByRole("log");
  await expect(log).toContainText("KeyError");
  await expect(log).toContainText(/progress of \d+: all \(replaced 2 times\)/);
  await expect(log).not.toContainText("10%");
  for (const wrapped of [false, true]) {
    await page.getByRole("switch", { name: "Wrap" }).click();
    await expect(log.locator("..")).toHaveAttribute("data-wrap", String(!wrapped));
    const overlaps = await log.evaluate((element) => {
      const rows = [...element.querySelectorAll<HTMLElement>("[data-index]")]
        .map((row) => ({ box: row.getBoundingClientRect(), text: row.textContent }))
        .sort((a, b) => a.box.top - b.box.top);
      return rows.flatMap(({ box, text }, index) => {
        const above = rows[index - 1];
        return above !== undefined && box.top < above.box.bottom - 1 ? [`${above.text} / ${text}`] : [];
      });
    });
    expect(overlaps).toEqual([]);
  }
  await expect.poll(() => log.evaluate((element) => element.scrollHeight / element.clientHeight)).toBeGreaterThan(3);
  await log.evaluate((element) => element.scrollTo({ top: element.scrollHeight / 2 }));
  await expect(page.getByRole("button", { name: /new lines?$/ })).toBeVisible();
  const place = await log.evaluate((element) => element.scrollTop);
  await flows(() => page.getByRole("button", { name: /new lines?$/ }).textContent());
  expect(await log.evaluate((element) => element.scrollTop)).toBe(place);
  await log.focus();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.press("ControlOrMeta+c");
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  const lines = copied.trimEnd().split("\n");
  expect(lines.length).toBeGreaterThan(20);
  const own = /^\d{4}-\d\d-\d\dT[\d:.]+Z (?:INFO|ERROR) robot-\d{5} \S/;
  expect(lines.filter((line) => !own.test(line) && !/^(?: {2}File| {4}customer|KeyError)/.test(line))).toEqual([]);
});

test("an outage of many robots is one row with their number @long", async ({ signedIn: page, orchestrator, fleet }) => {
  await page.goto(orchestrator.url);
  await expect(page.getByText("300 of 300 connected")).toBeVisible();
  fleet.kill();
  await expect(page.getByText("0 of 300 connected")).toBeVisible();
  const row = page.getByRole("link", { name: "300 robots are offline" });
  await expect(row).toBeVisible({ timeout: 30_000 });
  await row.click();
  await expect(page).toHaveURL(`${orchestrator.url}/robots?state=offline`);
  await expect(page.getByRole("status").filter({ hasText: "300 of 300 shown" })).toBeVisible();
});
