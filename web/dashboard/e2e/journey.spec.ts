import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { comparisonTexts } from "../src/texts/jobs";
import { logTexts } from "../src/texts/logs";
import { expect, go, signIn, state, test } from "./fixtures";

const EXAMPLES = fileURLToPath(new URL("../../../examples", import.meta.url));

test.describe.configure({ mode: "serial" });

test("a wrong password is refused with a message", async ({ page, orchestrator }) => {
  await page.goto(orchestrator.url);
  await page.getByRole("textbox", { name: "Password" }).fill("not this one");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("wrong");
});

test("the first user signs in", async ({ page, orchestrator }) => {
  await signIn(page, orchestrator);
});

test("a sign-in link signs in once and leaves no code in the address", async ({ browser, orchestrator }) => {
  const link = await orchestrator.signInLink();
  const first = await (await browser.newContext()).newPage();
  await first.goto(link);
  await expect(first.getByText("Add a robot, then run a job on it.")).toBeVisible();
  expect(first.url()).not.toContain("link");
  const second = await (await browser.newContext()).newPage();
  await second.goto(link);
  await expect(second.getByRole("alert")).toContainText("unknown, used or expired");
  await first.context().close();
  await second.context().close();
});

test("an empty orchestrator shows the next step", async ({ signedIn: page }) => {
  await expect(page.getByText("Add a robot, then run a job on it.")).toBeVisible();
  await go(page, "Jobs");
  await expect(page.getByText("No jobs yet")).toBeVisible();
  await go(page, "Robots");
  await expect(page.getByText("No robots yet")).toBeVisible();
});

test("add a robot: the command connects it, and the page reports it", async ({ signedIn: page, orchestrator }) => {
  await go(page, "Robots");
  await page.getByRole("link", { name: "Add a robot" }).first().click();
  await page.getByRole("textbox", { name: "Name" }).fill("desk-1");
  await page.getByRole("button", { name: "Create robot" }).click();
  await expect(page.getByText("Waiting for the robot to connect")).toBeVisible();
  const command = await page.getByRole("tabpanel").filter({ visible: true }).locator("code").textContent();
  const key = /CASARE_API_KEY=(\S+)/.exec(command ?? "")?.[1] ?? "";
  expect(command).toContain(`--robot-id desk-1`);
  expect(existsSync(EXAMPLES)).toBe(true);
  orchestrator.robot("desk-1", key, EXAMPLES);
  await expect(page.getByText("desk-1 is connected")).toBeVisible();
  await page.getByRole("link", { name: "Open the robot" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "desk-1" })).toBeVisible();
  await expect(page.getByText(/last heartbeat \d+ s ago/)).toBeVisible();
});

test("run the invoices workflow and follow its log", async ({ signedIn: page }) => {
  await go(page, "Jobs");
  await page.getByRole("link", { name: "Run a job" }).first().click();
  await page.getByRole("button", { name: "Use the example" }).click();
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "invoices" })).toBeVisible();
  await page.getByRole("link", { name: "Open the log" }).click();
  await expect(page.getByRole("log")).toContainText("Write The Report");
  await expect(state(page)).toHaveText("Completed");
  await page.getByRole("link", { name: "invoices" }).click();
  await expect(page.getByRole("heading", { name: "Result" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "History" })).toBeVisible();
  await expect(page.getByText("Submitted", { exact: true }).last()).toBeVisible();
});

test("cancel a running job and see each step", async ({ signedIn: page, orchestrator }) => {
  await orchestrator.addRobot("desk-2", ["slow"]);
  const jobId = await orchestrator.submit("slow", { parameters: { steps: 200 }, tags: ["slow"] });
  await page.goto(`${orchestrator.url}/jobs/${jobId}`);
  await expect(state(page)).toHaveText("Running");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByLabel("Reason").fill("wrong month");
  await page.getByRole("button", { name: "Cancel the job" }).click();
  await expect(page.getByText("Confirmed by the robot", { exact: true })).toBeVisible();
  await expect(page.getByText("Received by the robot", { exact: true })).toBeVisible();
  await expect(state(page)).toHaveText("Cancelled");
  await expect(page.getByText("“wrong month”").first()).toBeVisible();
});

test("find out why a job failed, from the overview", async ({ signedIn: page, orchestrator }) => {
  const ended = async (parameters: object, status: string) => {
    const jobId = await orchestrator.submit("slow", { parameters, tags: ["slow"] });
    await orchestrator.until(
      async () => ((await orchestrator.get(`/jobs/${jobId}`)) as { status: string }).status === status,
    );
  };
  await ended({ steps: 1 }, "completed");
  await ended({ steps: 1, fail: true }, "failed");
  await page.reload();
  await page.getByRole("link", { name: /The window 'Orders' did not open/ }).click();
  await expect(page.getByRole("heading", { name: "Why it failed" })).toBeVisible();
  await expect(page.getByText("The window 'Orders' did not open within 30 s").first()).toBeVisible();
  await page.getByRole("button", { name: comparisonTexts.compare }).click();
  await expect(page.getByRole("row", { name: "fail true" })).toBeVisible();
  await expect(page.getByText(/of the log is the first that differs/)).toBeVisible();
  const jobPage = page.url();
  await page.goto(`${orchestrator.url}/failures`);
  const group = page.getByRole("listitem").filter({ hasText: "The window 'Orders' did not open" });
  await group.getByRole("button", { name: comparisonTexts.compare }).click();
  await expect(group.getByRole("row", { name: "fail true" })).toBeVisible();
  await page.goto(jobPage);
  await page.getByRole("link", { name: "Failing line" }).click();
  await expect(page.locator("[data-linked=true]")).toContainText("the window 'Orders' did not open");
});

test("a list without matches says so, and the filter is in the address", async ({ signedIn: page, orchestrator }) => {
  await orchestrator.post("/robots", { robot_id: "in-the-lists" });
  await orchestrator.submit("slow");
  const filtered: [address: string, says: RegExp, cleared: string][] = [
    ["/jobs?status=failed&q=nothing", /^0 of \d+ shown$/, "/jobs"],
    ["/robots?q=nothing&view=list", /^0 of \d+ shown$/, "/robots?view=list"],
    ["/workflows?q=nothing", /^0 of \d+ shown$/, "/workflows"],
    ["/audit?target=nothing", /^No entry matches the filters\.$/, "/audit"],
    ["/logs?q=nothing+of+this+text&level=ERROR", /^No line matches the filters$/, "/logs"],
    ["/failures?show=muted", /^No group is muted\.$/, "/failures"],
  ];
  for (const [address, says, cleared] of filtered) {
    await page.goto(orchestrator.url + address);
    const content = page.getByRole("main");
    await expect(content.getByRole("heading", { name: says })).toBeVisible();
    const clear = content.getByRole("button", { name: "Clear filters" });
    await expect(clear, "beside the heading and in place of the list").toHaveCount(2);
    await clear.last().click();
    await expect(page).toHaveURL(orchestrator.url + cleared);
    await expect(clear).toHaveCount(0);
    await expect(content.getByRole("heading", { name: says })).toBeHidden();
  }
});

test("a log is open while its job is pending, streams, and marks the end", async ({ signedIn: page, orchestrator }) => {
  const jobId = await orchestrator.submit("slow", { parameters: { steps: 8 }, tags: ["late"] });
  await page.goto(`${orchestrator.url}/logs?job=${jobId}`);
  await expect(state(page)).toHaveText("Pending");
  await expect(page.getByRole("heading", { name: logTexts.empty })).toBeVisible();
  await orchestrator.addRobot("late", ["late"]);
  await expect(page.getByRole("log")).toContainText("step 1 of 8");
  await expect(page.getByRole("log")).not.toContainText("step 8 of 8");
  await expect(page.getByRole("log")).toContainText(/step 8 of 8.*End of the job: Completed/);
});

test("pause a queue with a reason: its jobs show the reason and run after the resume", async ({
  signedIn: page,
  orchestrator,
}) => {
  await go(page, "Queues");
  await page.getByRole("button", { name: "Pause: default" }).click();
  await page.getByLabel("Reason").fill("month end");
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await expect(page.getByText(/Paused by admin .*“month end”/)).toBeVisible();
  const jobId = await orchestrator.submit("slow", { parameters: { steps: 1 }, tags: ["slow"] });
  await page.goto(`${orchestrator.url}/jobs/${jobId}`);
  await expect(page.getByText("queue default is paused; resume to assign jobs")).toBeVisible();
  await go(page, "Queues");
  await page.getByRole("button", { name: "Resume: default" }).click();
  await page.getByRole("button", { name: "Resume", exact: true }).click();
  await page.goto(`${orchestrator.url}/jobs/${jobId}`);
  await expect(state(page)).toHaveText("Completed");
});

test("drain a robot: the page shows by whom and why until it is resumed", async ({ signedIn: page, orchestrator }) => {
  await page.goto(`${orchestrator.url}/robots/desk-2`);
  await page.getByRole("button", { name: "Drain" }).click();
  await page.getByLabel("Reason").fill("update tonight");
  await page.getByRole("dialog").getByRole("button", { name: "Drain" }).click();
  await expect(page.getByText("Draining, requested by admin")).toBeVisible();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await expect(page.getByText("Draining, requested by admin")).toBeHidden();
  await expect(page.getByText("drain robot")).toBeVisible();
});

test("many jobs are retried at once; the dialog names their number", async ({ signedIn: page, orchestrator }) => {
  await page.goto(`${orchestrator.url}/jobs?status=failed&reason=error`);
  await page.getByRole("checkbox", { name: "Select all loaded jobs" }).check();
  await page.getByRole("button", { name: "Retry" }).click();
  await expect(page.getByRole("dialog")).toContainText("Retry 1 job");
  await page.getByRole("dialog").getByRole("button", { name: "Retry 1 job" }).click();
  await expect(page.getByText("Retried: 1 job")).toBeVisible();
});

test("the server is lost and returns: the page reports it and continues", async ({ signedIn: page, orchestrator }) => {
  await go(page, "Jobs");
  await orchestrator.kill();
  await expect(page.getByText(/Not connected/).first()).toBeVisible();
  await expect(page.getByRole("button", { name: "Try now" })).toBeVisible();
  await expect(page.locator("#content")).toHaveAttribute("data-stale", "true");
  await orchestrator.serve();
  await page
    .getByRole("button", { name: "Try now" })
    .click()
    .catch(() => undefined);
  await expect(page.getByRole("status").filter({ hasText: "Live" })).toBeVisible();
  const jobId = await orchestrator.submit("slow", { parameters: { steps: 1 }, tags: ["slow"] });
  await expect(page.getByRole("row").filter({ has: page.locator(`[title="${jobId}"]`) })).toContainText("Completed", {
    timeout: 60_000,
  });
});

test("a hidden tab disconnects, and catches up when it is visible again", async ({ signedIn: page, orchestrator }) => {
  await page.clock.install();
  await go(page, "Jobs");
  await expect(page.getByRole("status").filter({ hasText: "Live" })).toBeVisible();
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await page.clock.runFor(11_000);
  await expect(page.getByRole("status").filter({ hasText: "Live" })).toHaveCount(0);
  const jobId = await orchestrator.submit("nothing-runs-this", { tags: ["nobody"] });
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => false });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await expect(page.getByRole("status").filter({ hasText: "Live" })).toBeVisible();
  await page.clock.runFor(5000);
  await expect(page.locator(`[title="${jobId}"]`)).toBeVisible();
});
