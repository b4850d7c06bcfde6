import { fileURLToPath } from "node:url";
import type { Locator } from "@playwright/test";
import { expect, flows, go, state, busyTest as test } from "./fixtures";

const EXAMPLES = fileURLToPath(new URL("../../../examples", import.meta.url));

test("the work of the first minutes takes at most 12 clicks: add a robot, run, follow, cancel, find a cause, pause", async ({
  page,
  orchestrator,
}) => {
  test.setTimeout(180_000);
  let clicks = 0;
  const click = async (target: Locator) => {
    clicks += 1;
    await target.click();
  };
  const menu = async (name: string) => {
    clicks += 1;
    await go(page, name);
  };
  await page.goto(await orchestrator.signInLink());
  // A robot is added, and connects with the command that the page shows.
  await menu("Robots");
  await click(page.getByRole("link", { name: "Add a robot" }).first());
  await page.getByRole("textbox", { name: "Name" }).fill("desk-1");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Waiting for the robot to connect")).toBeVisible();
  const command = await page.getByRole("tabpanel").filter({ visible: true }).locator("code").textContent();
  orchestrator.robot("desk-1", /CASARE_API_KEY=(\S+)/.exec(command ?? "")?.[1] ?? "", EXAMPLES);
  // A workflow runs on it with parameters.
  await click(page.getByRole("link", { name: "Run a job on it" }));
  await page.getByRole("combobox", { name: "Workflow" }).fill("slow");
  await page.getByRole("textbox", { name: "Parameters" }).fill('{"seconds": 120}');
  await click(page.getByRole("button", { name: "Run", exact: true }));
  await expect(page.getByRole("heading", { level: 1, name: "slow" })).toBeVisible();
  // Its log is followed while it runs, and it is cancelled.
  await flows(() => page.getByRole("region", { name: "Log" }).textContent());
  await click(page.getByRole("button", { name: "Cancel" }));
  await page.getByLabel("Reason").fill("wrong customer");
  await page.keyboard.press("Enter");
  await expect(state(page)).toHaveText("Cancelled");
  // The cause of a failure is found.
  await menu("Overview");
  await click(page.getByRole("link", { name: "The window did not open" }).first());
  await expect(page.getByRole("heading", { name: "Why it failed" })).toBeVisible();
  // A queue is paused.
  await menu("Queues");
  await click(page.getByRole("button", { name: "Pause: default" }));
  await page.getByLabel("Reason").fill("month end");
  await page.keyboard.press("Enter");
  await expect(page.getByText(/Paused by admin .*“month end”/)).toBeVisible();
  expect(clicks).toBeLessThanOrEqual(12);
  await orchestrator.post("/queues/default/resume");
});
