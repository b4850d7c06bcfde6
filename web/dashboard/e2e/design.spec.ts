import { expect, state, test } from "./fixtures";

/** How pages look: their order, on a phone and on paper. */

test("the job page is ordered as it is read, narrow pages keep level, robot and error, and paper has the whole page", async ({
  signedIn: page,
  orchestrator,
}) => {
  await orchestrator.addRobot("desk-1", ["design"]);
  const jobId = await orchestrator.submit("slow", { parameters: { steps: 2 }, tags: ["design"] });
  await orchestrator.submit("slow", { parameters: { steps: 1, fail: true }, tags: ["design"] });
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

  // A wide page shows the values of the job beside its log.
  await page.setViewportSize({ width: 2560, height: 1440 });
  const place = (name: string) => page.getByRole("heading", { level: 2, name, exact: true }).boundingBox();
  const [log, parameters] = [await place("Log"), await place("Parameters")];
  expect(parameters?.y).toBeCloseTo(log?.y ?? 0, -1);
  expect(parameters?.x).toBeGreaterThan(1280);

  // A large page has room for higher charts and for the running jobs.
  await page.goto(orchestrator.url);
  await expect(page.getByRole("region", { name: "Running now" })).toBeVisible();
  expect((await page.getByRole("figure").first().boundingBox())?.height).toBeGreaterThan(300);

  // A narrow list of jobs has the error in a line of its own.
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${orchestrator.url}/jobs?status=failed`);
  const row = page.getByRole("row").nth(1);
  await expect(row.getByRole("cell", { name: "The window 'Orders' did not open" }).last()).toBeVisible();
  expect((await row.boundingBox())?.height).toBe(54);

  // A phone, and a window of 1360 × 860 pixels at 200 % zoom.
  for (const size of [
    { width: 390, height: 844 },
    { width: 680, height: 430 },
  ]) {
    await page.setViewportSize(size);
    await page.goto(`${orchestrator.url}/logs?range=1h`);
    const line = page.getByRole("log").locator("[data-line]").filter({ hasText: "step 2 of 2" }).first();
    for (const _wrapped of [false, true]) {
      await expect(line.getByText("INFO", { exact: true })).toBeVisible();
      await expect(line.getByText("desk-1", { exact: true })).toBeVisible();
      expect((await line.getByText("step 2 of 2").boundingBox())?.x).toBeLessThan(size.width - 120);
      await page.getByRole("switch", { name: "Wrap" }).click();
    }
  }
});

test("an update is announced once, and the earlier layout can be kept", async ({ signedIn: page, orchestrator }) => {
  const jobId = await orchestrator.submit("of-an-earlier-layout");
  const notice = page.getByRole("region", { name: /^New in/ });
  const order = async () => {
    await expect(page.getByRole("heading", { level: 2, name: "Details" })).toBeVisible();
    const headings = await page.getByRole("heading", { level: 2 }).allTextContents();
    return headings.filter((text) => ["Details", "Log"].includes(text));
  };
  await expect(page.getByRole("button", { name: /^Version/ })).toBeVisible();
  await expect(notice).toBeHidden();

  await page.evaluate(() => localStorage.setItem("casare-seen-version", '"0.0.1"'));
  await page.goto(`${orchestrator.url}/jobs/${jobId}`);
  await expect(notice).toBeVisible();
  expect(await order()).toEqual(["Log", "Details"]);
  await notice.getByRole("button", { name: "Use the earlier layout of the job page" }).click();
  await notice.getByRole("button", { name: "Close these changes" }).click();
  await expect(notice).toBeHidden();

  // The server is updated while this page is open.
  await page.route("**/api/v1/overview?*", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ json: { ...(await answer.json()), server_version: "99.0.0" } });
  });
  await page.reload();
  await expect(page.getByRole("alert").filter({ hasText: "The server was updated to 99.0.0" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Reload" })).toBeVisible();
  await expect(notice).toBeHidden();
  expect(await order()).toEqual(["Details", "Log"]);

  await page.getByRole("button", { name: "Version 99.0.0" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Use the new layout of the job page" }).click();
  expect(await order()).toEqual(["Log", "Details"]);
});
