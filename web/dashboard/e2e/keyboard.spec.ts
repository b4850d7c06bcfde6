import { expect, test } from "./fixtures";

test("every page and action has a shortcut", async ({ signedIn: page, orchestrator }) => {
  for (const number of [1, 2, 3]) await orchestrator.submit("nothing-runs-this", { parameters: { number } });
  await page.keyboard.press("Control+k");
  await page.getByLabel("Page, action, robot, workflow or job id").fill("Jobs");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Jobs" })).toBeVisible();
  await expect(page.getByRole("row")).toHaveCount(4);
  await expect(page.getByRole("dialog")).toHaveCount(0);

  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await expect(page.locator("[data-index='1']")).toBeFocused();
  await page.keyboard.press("x");
  await expect(page.getByText("1 job selected")).toBeVisible();
  await page.keyboard.press("k");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Why it is pending" })).toBeVisible();

  await page.keyboard.press("g");
  await page.keyboard.press("3");
  await expect(page.getByRole("heading", { level: 1, name: "Jobs" })).toBeVisible();
  await page.keyboard.press("/");
  await expect(page.getByLabel("Workflow or job id")).toBeFocused();
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
});

test("the theme follows the system until the user chooses one, and the choice is kept", async ({ signedIn: page }) => {
  await page.emulateMedia({ colorScheme: "dark" });
  await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", "dark");
  await page.getByRole("button", { name: "Theme" }).click();
  await page.getByRole("menuitem", { name: "Light" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", "light");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", "light");
});

test("the palette opens a workflow and changes the theme", async ({ signedIn: page, orchestrator }) => {
  await orchestrator.submit("opened-by-name");
  const choose = async (typed: string, name: RegExp) => {
    await page.keyboard.press("Control+k");
    await page.getByLabel("Page, action, robot, workflow or job id").fill(typed);
    await page.getByRole("dialog").getByRole("button", { name }).click();
    await expect(page.getByRole("dialog")).toHaveCount(0);
  };
  await choose("opened-by", /opened-by-name/);
  await expect(page.getByRole("heading", { level: 1, name: "opened-by-name" })).toBeVisible();
  for (const theme of ["Dark", "Light"]) {
    await choose("theme", new RegExp(`Theme: ${theme}`));
    await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", theme.toLowerCase());
  }
});

test("signing out ends the session", async ({ signedIn: page }) => {
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
});

test("the rows of every list are links with keys, and the way back leads to the same place", async ({
  signedIn: page,
  orchestrator,
  context,
}) => {
  await Promise.all(
    Array.from({ length: 60 }, (_, number) => orchestrator.submit("nothing-runs-this", { parameters: { number } })),
  );
  const expired = await orchestrator.submit("nothing-runs-this", { queue_ttl_seconds: 1 });
  await orchestrator.post("/robots", { robot_id: "desk" });
  await orchestrator.post("/robots/desk/drain", { reason: "test" });
  await orchestrator.until(
    async () => ((await orchestrator.get(`/jobs/${expired}`)) as { status: string }).status === "failed",
  );
  // The main cell of a row is a link, and the keys j and Enter open it.
  for (const [path, to] of [
    ["/jobs", /\/jobs\/job-/],
    ["/workflows", /\/workflows\/nothing-runs-this/],
    ["/robots?view=list", /\/robots\/desk/],
    ["/robots", /\/robots\/desk/],
    ["/audit?target=desk", /\/robots\/desk/],
    ["/failures", new RegExp(`/jobs/${expired}`)],
  ] as const) {
    await page.goto(orchestrator.url + path);
    await expect(page.locator("#content").locator("[data-main] a, a[data-main]").first()).toHaveAttribute("href", to);
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(to);
  }
  // A click with Ctrl opens a tab, anywhere in the row.
  await page.goto(`${orchestrator.url}/jobs?q=nothing&sort=created`);
  const row = page.getByRole("row").nth(3);
  await expect(row).toContainText("Pending");
  const [tab] = await Promise.all([
    context.waitForEvent("page"),
    row.getByText("Pending").click({ modifiers: ["ControlOrMeta"] }),
  ]);
  await expect(tab).toHaveURL(/\/jobs\/job-/);
  await tab.close();
  await expect(page).toHaveURL(/q=nothing/);
  // Back restores the filters and the place.
  const scroller = page.getByRole("table").locator("> div");
  await expect(page.getByText("End of the list")).toBeAttached();
  await scroller.evaluate((element) => element.scrollTo({ top: 700 }));
  await expect(page.locator("[data-index='25']")).toBeInViewport();
  await page.locator("[data-index='25']").click();
  await expect(page).toHaveURL(/\/jobs\/job-/);
  await page.goBack();
  await expect(page).toHaveURL(/q=nothing&sort=created/);
  await expect(page.locator("[data-index='25']")).toBeInViewport();
  expect(await scroller.evaluate((element) => element.scrollTop)).toBe(700);
  // So does a page without a table. A page that is opened begins at its top.
  await page.setViewportSize({ width: 1000, height: 400 });
  await page.locator("[data-index='25']").click();
  const content = page.locator("#content");
  await expect(page.getByText("Submitted", { exact: true }).first()).toBeVisible();
  const place = await content.evaluate((element) => {
    element.scrollTo({ top: 150 });
    return element.scrollTop;
  });
  expect(place).toBeGreaterThan(20);
  await page.getByRole("navigation").getByRole("link", { name: "Overview" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
  expect(await content.evaluate((element) => element.scrollTop)).toBe(0);
  await page.goBack();
  await expect.poll(() => content.evaluate((element) => element.scrollTop)).toBe(place);
});

test("the palette pauses a queue, drains a robot and cancels the job of the page, with the dialogs of the pages", async ({
  signedIn: page,
  orchestrator,
}) => {
  await orchestrator.post("/queues", { queue: "payroll" });
  await orchestrator.post("/robots", { robot_id: "front-desk" });
  const jobId = await orchestrator.submit("cancelled-by-key");
  const order = async (typed: string, title: string, action: string) => {
    await page.keyboard.press("Control+k");
    await page.getByLabel("Page, action, robot, workflow or job id").fill(typed);
    await expect(page.getByRole("dialog").getByRole("button", { name: /…$/ })).toHaveCount(1);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: title });
    await dialog.getByRole("textbox", { name: "Reason" }).fill("by the palette");
    await dialog.getByRole("button", { name: action }).click();
    await expect(page.getByRole("dialog")).toHaveCount(0);
  };
  await order("pause queue payroll", "Pause payroll?", "Pause");
  await order("resume queue payroll", "Resume payroll?", "Resume");
  await order("drain robot front", "Drain front-desk?", "Drain");
  await order("resume robot front", "Resume front-desk?", "Resume");
  await page.goto(`${orchestrator.url}/jobs/${jobId}`);
  await expect(page.getByRole("heading", { level: 1, name: "cancelled-by-key" })).toBeVisible();
  await order("cancel this", "Cancel this job?", "Cancel the job");
  await expect(page.locator("#content [data-tone]").first()).toHaveText("Cancelled");
});
