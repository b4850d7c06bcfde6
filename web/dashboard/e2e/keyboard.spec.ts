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
