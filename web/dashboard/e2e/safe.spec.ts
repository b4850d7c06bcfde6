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

test("the run form submits only what it shows", async ({ signedIn: page, orchestrator }) => {
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
