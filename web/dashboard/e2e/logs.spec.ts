import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures";

/** Moving in a log of 3,000 lines, of which the page loads only parts. */

const LINES = 3000;
const WORDY = `
from casare_rpa.robot.tasks import logger, task

@task
def main():
    for number in range(1, ${LINES} + 1):
        if number in (700, 2300):
            logger.error("order %d was refused", number)
        elif number % 1000 == 400:
            logger.info("\\x1b[32mneedle\\x1b[0m %d", number)
        else:
            logger.info("order %d", number)
`;

const log = (page: Page) => page.getByRole("log");
const line = (page: Page, text: string | RegExp) => log(page).locator("[data-line]").filter({ hasText: text });
const current = (page: Page) => log(page).locator("[data-linked='true']");

/** The addresses of the requests for log lines that \`act\` causes. */
async function requestsOf(page: Page, act: () => Promise<void>): Promise<URLSearchParams[]> {
  const sent: URLSearchParams[] = [];
  const note = (request: { url: () => string }) => {
    const { pathname, searchParams } = new URL(request.url());
    if (pathname === "/api/v1/logs") sent.push(searchParams);
  };
  page.on("request", note);
  await act();
  page.off("request", note);
  return sent;
}

let jobId = "";
test.beforeAll(async ({ orchestrator }) => {
  orchestrator.workflow("wordy", WORDY);
  await orchestrator.addRobot("writer", ["write"]);
  jobId = await orchestrator.submit("wordy", { tags: ["write"] });
  await orchestrator.until(
    async () => ((await orchestrator.get(`/jobs/${jobId}`)) as { status: string }).status === "completed",
  );
});

test("a log opens at its first line and at any line, and its matches and errors are reached by keys", async ({
  signedIn: page,
  orchestrator,
  context,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(`${orchestrator.url}/logs?job=${jobId}`);
  await expect(log(page)).toContainText("End of the job: Completed");

  // The first line.
  const first = await requestsOf(page, async () => {
    await page.getByRole("button", { name: "First line" }).click();
    await expect(line(page, /order 1$/)).toBeInViewport();
  });
  // A stream that connects late asks for the lines around the newest one, to miss none.
  const pages = first.filter((one) => !one.has("around"));
  expect(pages.map((one) => [one.get("order"), one.has("cursor")])).toEqual([["asc", false]]);
  await expect(log(page)).toContainText("Beginning of the log");
  await expect(log(page)).not.toContainText("End of the job");

  // Errors, also outside of the loaded lines.
  await page.keyboard.press("e");
  await expect(current(page)).toContainText("order 700 was refused");
  await page.keyboard.press("e");
  await expect(current(page)).toContainText("order 2300 was refused");
  await expect(current(page)).toBeInViewport();
  await page.keyboard.press("e");
  await expect(page.getByText("No later error")).toBeVisible();
  await page.keyboard.press("Shift+E");
  await expect(current(page)).toContainText("order 700 was refused");

  // A filtered log, and a line of it in context.
  await page.getByRole("textbox", { name: "Text in the line" }).fill("NEEDLE");
  await expect(page.getByText("3 matching lines", { exact: true })).toBeVisible();
  await expect(log(page).locator("mark")).toHaveText(["needle", "needle", "needle"]);
  await line(page, "needle 1400").hover();
  await line(page, "needle 1400")
    .getByRole("link", { name: /in context/ })
    .click();
  await expect(current(page)).toContainText("needle 1400");
  await expect(line(page, "order 1399")).toBeInViewport();
  await expect(page.getByRole("switch", { name: "Only matches" })).not.toBeChecked();
  await page.goBack();
  await expect(page.getByText("2 of 3 matching lines", { exact: true })).toBeVisible();
  await expect(current(page)).toContainText("needle 1400");
  await page.keyboard.press("c");
  await expect(line(page, "order 1399")).toBeInViewport();
  await page.keyboard.press("n");
  await expect(current(page)).toContainText("needle 2400");
  await page.keyboard.press("Shift+N");
  await page.keyboard.press("Shift+N");
  await expect(current(page)).toContainText("needle 400");

  // A link to a line.
  await line(page, "order 405").hover();
  await line(page, "order 405")
    .getByRole("button", { name: /^Link to line/ })
    .click();
  const address = await page.evaluate(() => navigator.clipboard.readText());
  const opened = await requestsOf(page, async () => {
    await page.goto(address);
    await expect(current(page)).toHaveText(/order 405$/);
  });
  expect(new Set(opened.map((one) => one.get("around"))).size).toBe(1);
  await page.goto(`${orchestrator.url}/logs?job=${jobId}&line=900000`);
  await expect(page.getByText("Line 900000 is not stored.")).toBeVisible();
  await expect(log(page)).toContainText("End of the job: Completed");
});

test("lines that are selected across the end of the page are copied as lines", async ({
  signedIn: page,
  orchestrator,
  context,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(`${orchestrator.url}/logs?job=${jobId}&line=first`);
  await expect(line(page, /order 3$/)).toBeInViewport();
  await line(page, /order 3$/)
    .locator("[data-message]")
    .click({ position: { x: 2, y: 10 } });
  await log(page).hover();
  await expect(async () => {
    await page.mouse.wheel(0, 1000);
    await expect(line(page, /order 300$/)).toBeInViewport({ timeout: 200 });
  }).toPass();
  await line(page, /order 300$/)
    .locator("[data-message]")
    .click({ modifiers: ["Shift"], position: { x: 30, y: 10 } });
  await page.keyboard.press("ControlOrMeta+c");
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  const numbers = [...copied.matchAll(/^\S+Z INFO writer .*order (\d+)$/gm)].map(([, number]) => Number(number));
  expect(numbers).toEqual(Array.from({ length: 298 }, (_, index) => index + 3));
  expect(copied.split("\n")).toHaveLength(299);

  // Three clicks select a line; the selection ends at the beginning of the next line.
  await line(page, /order 301$/)
    .locator("[data-message]")
    .click({ clickCount: 3 });
  await page.keyboard.press("ControlOrMeta+c");
  expect((await page.evaluate(() => navigator.clipboard.readText())).trim()).toMatch(/order 301$/);
});
