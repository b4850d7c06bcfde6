import { expect, state, test } from "./fixtures";

/** How pages look: their order, on a phone and on paper. */

test("the job page is ordered as it is read, a phone keeps level and robot, and paper has the whole page", async ({
  signedIn: page,
  orchestrator,
}) => {
  await orchestrator.addRobot("desk-1", ["design"]);
  const jobId = await orchestrator.submit("slow", { parameters: { steps: 2 }, tags: ["design"] });
  await page.goto(`${orchestrator.url}/jobs/${jobId}`);
  await expect(state(page)).toHaveText("Completed");
  await expect(page.getByRole("heading", { level: 2, name: "Result" })).toBeVisible();
  const order = ["Log", "History", "Parameters", "Result", "Details"];
  const headings = await page.getByRole("heading", { level: 2 }).allTextContents();
  expect(headings.filter((text) => order.includes(text))).toEqual(order);

  await page.emulateMedia({ media: "print" });
  await expect(page.getByRole("navigation")).toBeHidden();
  const hidden = await page.locator("#content").evaluate((content) => content.scrollHeight - content.clientHeight);
  expect(hidden).toBeLessThanOrEqual(1);
  await page.emulateMedia({ media: null });

  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${orchestrator.url}/logs?range=1h`);
  const line = page.getByRole("log").locator("[data-line]").filter({ hasText: "step 2 of 2" }).first();
  for (const _wrapped of [false, true]) {
    await expect(line.getByText("INFO", { exact: true })).toBeVisible();
    await expect(line.getByText("desk-1", { exact: true })).toBeVisible();
    await page.getByRole("switch", { name: "Wrap" }).click();
  }
});
