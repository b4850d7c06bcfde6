import { expect, signIn, test } from "./fixtures";

test("a new tab is signed in, and a sign-out ends the session in every tab", async ({ page, orchestrator }) => {
  await signIn(page, orchestrator);
  const second = await page.context().newPage();
  await second.goto(`${orchestrator.url}/queues`);
  await expect(second.getByRole("heading", { level: 1, name: "Queues" })).toBeVisible();
  const secrets = () => [document.cookie, JSON.stringify(sessionStorage), JSON.stringify(localStorage)];
  expect((await page.evaluate(secrets)).join()).toBe(",{},{}");

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
