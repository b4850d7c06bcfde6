import { useBelowPath } from "./belowPath";
import { expect, signIn, test } from "./fixtures";
import { Orchestrator } from "./orchestrator";

test("a new tab is signed in, and a sign-out ends the session in every tab", async ({ page, orchestrator }) => {
  await signIn(page, orchestrator);
  const second = await page.context().newPage();
  await second.goto(`${orchestrator.url}/queues`);
  await expect(second.getByRole("heading", { level: 1, name: "Queues" })).toBeVisible();
  const secrets = () => [document.cookie, JSON.stringify(sessionStorage), JSON.stringify(localStorage)];
  expect((await page.evaluate(secrets)).join()).toMatch(/^,\{\},\{"casare-seen-version":"\\"[\d.]+\\""\}$/);

  await second.getByRole("button", { name: "Sign out" }).click();
  for (const tab of [second, page]) await expect(tab.getByRole("button", { name: "Sign in" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  expect(await orchestrator.get("/sessions")).toEqual({ items: [] });
});

test("a filled run form survives the end of the session", async ({ signedIn: page, orchestrator }) => {
  await page.goto(`${orchestrator.url}/jobs/new`);
  await page.getByRole("combobox", { name: "Workflow" }).fill("kept-form");
  await page.keyboard.press("Escape");
  await page.getByLabel("Parameters").fill('{"month": 11}');
  await expect(page.getByText("Live", { exact: true })).toBeVisible();

  await orchestrator.endSessions();
  const dialog = page.getByRole("dialog", { name: "Your session has ended" });
  await expect(dialog.getByRole("textbox", { name: "User" })).toHaveValue("admin");
  await expect(dialog.getByRole("textbox", { name: "Password" })).toBeFocused();
  await page.keyboard.type(orchestrator.password);
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();

  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "kept-form" })).toBeVisible();
  await expect(page.getByRole("group", { name: "Parameters" })).toContainText('"month": 11');
});

test("a read-only link shows live data, gives no orders, and ends when it is revoked", async ({
  signedIn: page,
  orchestrator,
  browser,
}) => {
  await page.goto(`${orchestrator.url}/access`);
  await page.getByRole("textbox", { name: "Name" }).fill("lobby");
  await page.getByRole("button", { name: "Create link" }).click();
  const address = await page.getByText("/#link=view_").textContent();

  const screen = await (await browser.newContext()).newPage();
  await screen.goto(address ?? "");
  await expect(screen.getByText("Read only: lobby")).toBeVisible();
  await expect(screen.getByRole("link", { name: "Access" })).toHaveCount(0);
  expect(screen.url()).not.toContain("view_");
  const jobId = await orchestrator.submit("shown-on-the-wall");
  await orchestrator.addRobot("wall-robot");
  const orders = screen.locator("[data-acts], [role=table] input[type=checkbox]");
  const seen = async (shown: string) => {
    await expect(screen.locator("main").getByText(shown, { exact: true }).first()).toBeVisible();
    await expect(orders, shown).toHaveCount(0);
  };
  await screen.goto(`${orchestrator.url}/jobs/${jobId}`);
  await seen("Parameters");
  const pages = [
    ["Overview", "Needs attention"],
    ["Jobs", "shown-on-the-wall"],
    ["Queues", "default"],
    ["Robots", "wall-robot"],
  ] as const;
  for (const [name, shown] of pages) {
    await screen.getByRole("navigation").getByRole("link", { name }).click();
    await seen(shown);
  }
  await screen.getByRole("link", { name: "wall-robot" }).first().click();
  await seen("Keys");
  await screen.goto(`${orchestrator.url}/jobs/new`);
  await expect(screen.getByRole("heading", { name: "This link is read-only" })).toBeVisible();
  await expect(screen.locator("form")).toHaveCount(0);
  await screen.keyboard.press("Control+k");
  await screen.getByPlaceholder("Page, action, robot, workflow or job id").fill("queue default");
  await expect(screen.getByText("No results")).toBeVisible();

  await page.getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await expect(page.getByText("There are no read-only links.")).toBeVisible();
  await expect(screen.getByText("has expired or was revoked")).toBeVisible({ timeout: 5000 });
  await screen.context().close();
});

test("the dashboard works below a path @long", async ({ page }) => {
  const orchestrator = await Orchestrator.start({ CASARE_BASE_PATH: "/tools/casare" });
  try {
    await useBelowPath(page, `${orchestrator.url}/tools/casare`, orchestrator.password);
    await page.goto(`${orchestrator.url}/queues#x`); // the server itself, without the path of the proxy
    await expect(page).toHaveURL(`${orchestrator.url}/tools/casare/queues#x`);
    await expect(page.getByRole("heading", { level: 1, name: "Queues" })).toBeVisible();
  } finally {
    await orchestrator.stop();
  }
});
