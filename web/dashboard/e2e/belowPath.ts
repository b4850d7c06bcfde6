import { expect, type Page } from "@playwright/test";

/** Signs in at an address with a path, and uses the menu, a reload of a deep page, a new tab, live data and the icon. */
export async function useBelowPath(page: Page, address: string, password: string): Promise<void> {
  const missing: string[] = [];
  page.on("response", (response) => {
    if (response.status() === 404) missing.push(response.url());
  });
  await page.goto(`${address}/`);
  await page.getByRole("textbox", { name: "Password" }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  for (const [name, path] of [
    ["Jobs", "jobs"],
    ["Workflows", "workflows"],
  ] as const) {
    await page.getByRole("navigation").getByRole("link", { name, exact: true }).click();
    await expect(page.getByRole("heading", { level: 1, name, exact: true })).toBeVisible();
    expect(page.url()).toBe(`${address}/${path}`);
  }
  await page.reload();
  await expect(page.getByRole("heading", { level: 1, name: "Workflows" })).toBeVisible();
  await page.goto(`${address}/jobs/new?workflow=below-a-path`);
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "below-a-path" })).toBeVisible();
  expect(page.url()).toContain(`${address}/jobs/job-`);

  const tab = await page.context().newPage();
  await tab.goto(`${address}/robots/new`);
  await expect(tab.getByRole("heading", { level: 1, name: "Add a robot" })).toBeVisible();
  await expect(tab.getByText("Live", { exact: true })).toBeVisible();
  await tab.getByRole("textbox", { name: "Name" }).fill(`below-${Date.now()}`);
  await tab.getByRole("button", { name: "Create robot" }).click();
  await expect(tab.getByText(`${address}/wheels/`).first()).toBeAttached();
  await tab.close();
  const icon = await page.locator("link[rel='icon']").getAttribute("href");
  expect((await page.request.get(new URL(icon ?? "", page.url()).href)).status()).toBe(200);
  expect(missing).toEqual([]);
}
