import { presetTexts } from "../src/texts/jobs";
import { expect, state, test } from "./fixtures";

/** Every change is sent once, with the values that the page shows. */

test("the page and the live log of a robot whose id has dots and colons", async ({ signedIn: page, orchestrator }) => {
  const robotId = "site:pc7.example.com";
  await orchestrator.addRobot(robotId, ["dotted"]);
  await page.goto(`${orchestrator.url}/robots/${robotId}`);
  await expect(page.getByRole("heading", { level: 1, name: robotId })).toBeVisible();
  await page.goto(`${orchestrator.url}/logs?robot=${encodeURIComponent(robotId)}`);
  await expect(page.getByText("No log lines yet")).toBeVisible();
  const jobId = await orchestrator.submit("slow", { parameters: { steps: 4 }, tags: ["dotted"] });
  await expect(page.getByRole("log")).toContainText("step 2 of 4");
  await page.goto(`${orchestrator.url}/jobs/${jobId}`);
  await expect(state(page)).toHaveText("Completed");
  await page.goto(`${orchestrator.url}/logs?job=${jobId}&range=1h`);
  await expect(page.getByRole("log")).toContainText("step 4 of 4");
  await page.goto(`${orchestrator.url}/logs?job=${jobId}&range=2026-03-02T08:00Z/2026-03-02T09:00Z`);
  await expect(page.getByText("No line matches the filters")).toBeVisible();
});

test("a live log that cannot connect says so", async ({ signedIn: page, orchestrator }) => {
  await page.route("**/api/v1/ws-tickets", (route) =>
    route.fulfill({
      status: 422,
      json: { type: "error", payload: { code: "INVALID_MESSAGE", message: "endpoint: no such path" } },
    }),
  );
  await page.goto(`${orchestrator.url}/logs`);
  await expect(page.getByText("New lines do not arrive")).toBeVisible();
});

const BIG = "9007199254740993";

test("integers above 2^53 pass unchanged through the job page and the run form", async ({
  signedIn: page,
  orchestrator,
}) => {
  await page.goto(`${orchestrator.url}/jobs/new?workflow=books`);
  const parameters = page.getByLabel("Parameters");
  await expect(page.getByRole("combobox", { name: "Workflow" })).toBeFocused();
  await parameters.fill(`{"ticket": ${BIG}, "rate": 1.0}`);
  await parameters.blur();
  await expect(parameters).toHaveValue(`{\n  "ticket": ${BIG},\n  "rate": 1.0\n}`);
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "books" })).toBeVisible();
  await expect(page.getByRole("group", { name: "Parameters" })).toContainText(`"ticket": ${BIG}`);
  await page.getByRole("link", { name: "Run again with changes" }).click();
  await expect(parameters).toHaveValue(`{\n  "ticket": ${BIG},\n  "rate": 1.0\n}`);
  await parameters.fill(`{"ticket": ${BIG}, "second": true}`);
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await expect(page.getByRole("group", { name: "Parameters" })).toContainText(BIG);
  await expect(page.getByRole("group", { name: "Parameters" })).toContainText('"second": true');
});

test("the run form submits only values that it shows", async ({ signedIn: page, orchestrator }) => {
  await orchestrator.submit("office", { parameters: { hidden: "value" }, tags: ["excel"] });
  await page.goto(`${orchestrator.url}/jobs/new`);
  const workflow = page.getByRole("combobox", { name: "Workflow" });
  await workflow.fill("office");
  await expect(page.getByLabel("Parameters")).toHaveValue(/hidden/);
  await expect(page.getByText("excel", { exact: true })).toBeVisible();
  await workflow.fill("another");
  await expect(page.getByLabel("Parameters")).toHaveValue("{}");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "another" })).toBeVisible();
  await expect(page.getByText("This job has no parameters.")).toBeVisible();
  await expect(page.getByText("excel", { exact: true })).toBeHidden();
});

test("a double click on a slow connection retries a job once", async ({ signedIn: page, orchestrator }) => {
  const jobId = await orchestrator.submit("unknown-twice");
  await orchestrator.post(`/jobs/${jobId}/cancel`, {});
  const keys: (string | undefined)[] = [];
  await page.route("**/api/v1/jobs/*/retry", async (route) => {
    keys.push(route.request().headers()["idempotency-key"]);
    await new Promise((resolve) => setTimeout(resolve, 600));
    await route.continue();
  });
  await page.goto(`${orchestrator.url}/jobs/${jobId}`);
  await page.getByRole("button", { name: "Retry", exact: true }).click();
  await page.getByRole("button", { name: "Retry the job" }).dblclick();
  await expect(page.getByText("Retry of", { exact: true })).toBeVisible();
  const { items } = (await orchestrator.get("/jobs?workflow_id=unknown-twice")) as { items: unknown[] };
  expect(items).toHaveLength(2);
  expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
});

test("a page without TLS runs a job and copies a text", async ({ signedIn: page, orchestrator }) => {
  await page.addInitScript(() => {
    Object.defineProperty(navigator, "clipboard", { value: undefined });
    Object.defineProperty(crypto, "randomUUID", { value: undefined });
  });
  await page.goto(`${orchestrator.url}/jobs/new?workflow=plain-http`);
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "plain-http" })).toBeVisible();
  const jobId = page.url().split("/").at(-1) ?? "";
  await page.getByRole("button", { name: `Copy: ${jobId}` }).click();
  await page.goto(`${orchestrator.url}/jobs`);
  await page
    .getByRole("textbox", { name: /workflow/i })
    .first()
    .focus();
  await page.keyboard.press("ControlOrMeta+v");
  await expect(page).toHaveURL(`${orchestrator.url}/jobs?q=${jobId}`);
});

test("the run form opens for a robot and offers its workflows", async ({ signedIn: page, orchestrator }) => {
  await orchestrator.addRobot("form:1");
  await orchestrator.until(async () => {
    const robot = (await orchestrator.get("/robots/form%3A1")) as { workflows: string[] | null };
    return robot.workflows?.includes("slow") === true;
  });
  await page.goto(`${orchestrator.url}/jobs/new?robot=form%3A1`);
  await expect(page.getByRole("combobox", { name: "Robot", exact: true })).toHaveValue("form:1");
  await page.getByRole("combobox", { name: "Workflow" }).click();
  await expect(page.getByRole("option", { name: "slow" })).toBeVisible();
  await expect(page.getByRole("option", { name: "office" })).toHaveCount(0);
});

test("values of the run form are saved as a preset, chosen and deleted", async ({ signedIn: page, orchestrator }) => {
  await page.goto(`${orchestrator.url}/jobs/new?workflow=slow`);
  await expect(page.getByRole("combobox", { name: "Workflow" })).toHaveValue("slow");
  const parameters = page.getByRole("textbox", { name: "Parameters" });
  await parameters.fill('{"ticket": 9007199254740993}');
  await expect(parameters).toHaveValue('{"ticket": 9007199254740993}');
  await page.getByRole("button", { name: presetTexts.save }).click();
  await page.getByRole("dialog").getByRole("textbox", { name: presetTexts.name }).fill("month end");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeHidden();
  await page.goto(`${orchestrator.url}/jobs/new?workflow=slow`);
  await page.getByRole("combobox", { name: presetTexts.preset }).click();
  await page.getByRole("option", { name: "month end" }).click();
  await expect(parameters).toHaveValue(/9007199254740993/);
  await page.getByRole("button", { name: presetTexts.deleteOne("month end") }).click();
  await page
    .getByRole("dialog")
    .getByRole("button", { name: presetTexts.deleteOne("month end") })
    .click();
  await expect(page.getByRole("combobox", { name: presetTexts.preset })).toBeHidden();
  expect(await orchestrator.get("/presets?workflow_id=slow")).toEqual({ items: [] });
});

test.describe("the job list", () => {
  test.beforeAll(async ({ orchestrator }) => {
    const jobs = Array.from({ length: 1204 }, () => ({ workflow_id: "many" }));
    await orchestrator.post("/jobs/batch", { jobs: jobs.slice(0, 1000) });
    await orchestrator.post("/jobs/batch", { jobs: jobs.slice(1000) });
    await orchestrator.post("/jobs/batch", { jobs: Array.from({ length: 5 }, () => ({ workflow_id: "few" })) });
  });

  test("selects a range with Shift and clears the selection with Escape and with other filters", async ({
    signedIn: page,
    orchestrator,
  }) => {
    await page.goto(`${orchestrator.url}/jobs?workflow=few`);
    const boxes = page.getByRole("row").getByRole("checkbox", { name: /Select job-/ });
    await boxes.nth(0).click();
    await boxes.nth(3).click({ modifiers: ["Shift"] });
    await expect(page.getByText("4 jobs selected")).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(page.getByText("4 jobs selected")).toBeHidden();
    await boxes.nth(1).click();
    await expect(page.getByText("1 job selected")).toBeVisible();
    await page.getByRole("textbox", { name: "Workflow or job id" }).fill("few");
    await expect(page).toHaveURL(/q=few/);
    await expect(page.getByText("1 job selected")).toBeHidden();
  });

  test("a bulk order names the exact number of jobs, and does not affect later jobs", async ({
    signedIn: page,
    orchestrator,
  }) => {
    await page.goto(`${orchestrator.url}/jobs?workflow=many`);
    await page.getByRole("checkbox", { name: "Select all loaded jobs" }).check();
    await page.getByRole("button", { name: "Select all 1,204 matching jobs" }).click();
    await page.getByRole("region").getByRole("button", { name: "Cancel" }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.getByRole("button", { name: "Cancel 1,204 jobs" })).toBeEnabled();
    const later = await orchestrator.submit("many");
    await dialog.getByRole("button", { name: "Cancel 1,204 jobs" }).click();
    await expect(page.getByText("Cancelled: 1,204 jobs")).toBeVisible();
    const left = (await orchestrator.get("/jobs?workflow_id=many&status=pending")) as { items: { job_id: string }[] };
    expect(left.items.map((job) => job.job_id)).toEqual([later]);
  });

  test("is sorted by the end, and downloaded as it is filtered", async ({ signedIn: page, orchestrator }) => {
    await page.goto(`${orchestrator.url}/jobs?workflow=few`);
    const { items } = (await orchestrator.get("/jobs?workflow_id=few")) as { items: { job_id: string }[] };
    await orchestrator.post(`/jobs/${items[3]?.job_id}/cancel`);
    await page.getByRole("button", { name: "Sort by Finished" }).click();
    await expect(page).toHaveURL(/sort=-finished/);
    await expect(page.getByRole("row").nth(1)).toContainText(items[3]?.job_id.slice(-8) ?? "");
    await expect(page.getByRole("row")).toHaveCount(2);
    await page.goto(`${orchestrator.url}/jobs?workflow=few&ended=24h&sort=finished`);
    const download = page.waitForEvent("download");
    const request = page.waitForRequest(/\/jobs\/export\?/);
    await page.getByRole("button", { name: "Export CSV" }).click();
    expect((await request).url()).toMatch(/(?=.*finished_from=20)(?=.*sort=finished)/);
    const file = await (await download).createReadStream();
    const text = (await file.toArray()).join("");
    expect(text.trim().split("\r\n")).toHaveLength(2);
    expect(text).toContain(items[3]?.job_id);
  });

  test("names the failure group and the workflow that it is limited to", async ({ signedIn: page, orchestrator }) => {
    await page.goto(`${orchestrator.url}/jobs?workflow=few&ended=24h&status=failed&reason=cancelled`);
    await expect(page.getByText("Workflow: few")).toBeVisible();
    await expect(page.getByRole("row")).toHaveCount(2);
    await expect(page.getByRole("combobox", { name: "Ended" })).toHaveValue("Ended: 24 h");
  });
});

test("changes by others appear without a reload", async ({ signedIn: page, orchestrator }) => {
  await orchestrator.post("/robots", { robot_id: "watched", tags: [] });
  await page.goto(`${orchestrator.url}/robots/watched`);
  await expect(page.getByText("This robot has no key")).toBeVisible();
  const soon = { timeout: 2500 };
  await orchestrator.post("/robots/watched/drain", { reason: "update tonight" });
  await expect(page.getByText(/Draining, requested by/)).toBeVisible(soon);
  await orchestrator.post("/robots/watched/keys");
  await expect(page.getByRole("button", { name: "Revoke" })).toBeVisible(soon);
  await page.goto(`${orchestrator.url}/queues`);
  await expect(page.getByRole("heading", { name: "Audit log" })).toBeVisible();
  await orchestrator.post("/queues/default/pause", { reason: "month end" });
  await expect(page.getByText("pause queue")).toBeVisible(soon);
  await orchestrator.post("/queues", { queue: "payroll" });
  await expect(page.getByRole("heading", { name: "payroll" })).toBeVisible(soon);
  await orchestrator.post("/queues/default/resume");
  await page.goto(`${orchestrator.url}/audit?target=watched`);
  await expect(page.getByText("drain robot")).toBeVisible();
  await orchestrator.post("/robots/watched/resume", { reason: "updated" });
  await expect(page.getByText("resume robot")).toBeVisible(soon);
  await page.goto(`${orchestrator.url}/audit?target=watched&range=1h`);
  await expect(page.getByText("resume robot")).toBeVisible();
  await page.goto(`${orchestrator.url}/audit?target=watched&range=2026-03-02T08:00Z/2026-03-02T09:00Z`);
  await expect(page.getByText("No entry matches the filters.")).toBeVisible();
});

test("each figure of the overview links to the jobs that it counts @long", async ({ signedIn: page, orchestrator }) => {
  const jobId = await orchestrator.submit("figures");
  await orchestrator.post(`/jobs/${jobId}/cancel`);
  await orchestrator.addRobot("figures", ["figures"]);
  const failing = { parameters: { steps: 1, fail: true }, tags: ["figures"] };
  const failed = await orchestrator.submit("slow", failing);
  await orchestrator.until(
    async () => ((await orchestrator.get(`/jobs/${failed}`)) as { status: string }).status === "failed",
  );
  const before = new Date(Date.now() - 2 * 3_600_000).toISOString();
  const figures = [
    ["", "Pending"],
    ["", "Running"],
    ["", "Completed, 24 h"],
    ["", "Failed, 24 h"],
    ["?range=7d", "Failed, 7 d"],
    [`?range=${before}/`, "Failed, .+ –"],
  ];
  for (const [address, label = ""] of figures) {
    await page.goto(`${orchestrator.url}/${address}`);
    const figure = page.getByRole("link", { name: new RegExp(`^${label}`) });
    await expect(figure).toBeVisible();
    const value = Number((await figure.textContent())?.match(/([\d,]+)$/)?.[1]?.replaceAll(",", ""));
    if (label.startsWith("Failed")) expect(value).toBe(1);
    await figure.click();
    await expect(page.getByRole("status").filter({ hasText: "shown" })).toHaveText(new RegExp(`^${value} of`));
  }
  await page.goto(`${orchestrator.url}/?range=1h`);
  await page.locator(".u-over").first().hover();
  await expect(page.locator("figure").first()).toContainText(/Jobs per 1 min.*Failed \d+.*\d\d:\d\d · /);
});

test("a workflow has a page with its runs, failures and robots, and each name of it links there", async ({
  signedIn: page,
  orchestrator,
}) => {
  await orchestrator.addRobot("runner", ["runner"]);
  for (const fail of [false, true, true])
    await orchestrator.submit("slow", { parameters: { steps: 1, fail }, tags: ["runner"] });
  await orchestrator.until(async () => {
    const ended = (await orchestrator.get("/jobs?workflow_id=slow&sort=-finished")) as {
      items: { tags: string[] }[];
    };
    return ended.items.filter((job) => job.tags.includes("runner")).length === 3;
  });
  await page.goto(`${orchestrator.url}/workflows`);
  await page.getByRole("button", { name: "Sort by Robots" }).click();
  await expect(page).toHaveURL(/\?sort=-robots$/);
  await expect(page.getByRole("row").nth(1).getByRole("link", { name: "slow" })).toBeVisible();
  await page.getByRole("link", { name: "slow" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "slow" })).toBeVisible();
  await expect(page.getByRole("img", { name: /completed, \d+ failed/ })).toBeVisible();
  await expect(page.getByRole("link", { name: /The window 'Orders' did not open/ })).toBeVisible();
  await expect(page.getByRole("link", { name: "runner" })).toBeVisible();
  await page.getByRole("link", { name: "Run it" }).click();
  await expect(page.getByRole("combobox", { name: "Workflow" })).toHaveValue("slow");
  await page.goto(`${orchestrator.url}/jobs?workflow=slow`);
  await page.getByRole("row").nth(1).getByRole("link", { name: "slow" }).click();
  await expect(page).toHaveURL(`${orchestrator.url}/workflows/slow`);
});
