import { common } from "../src/texts/common";
import { instanceTexts as words } from "../src/texts/instances";
import { expect, go, test } from "./fixtures";

interface Listed {
  at: string;
  items: Record<string, unknown>[];
}

test("the only instance is shown with its facts, and the page says what a second one needs", async ({
  signedIn: page,
  orchestrator,
}) => {
  const { items } = (await orchestrator.get("/instances")) as Listed;
  await go(page, words.title);
  const card = page.getByRole("region", { name: String(items[0]?.name) });
  await expect(card).toContainText(words.states.running);
  await expect(card).toContainText(words.answered);
  await expect(card).toContainText(orchestrator.url);
  await expect(card).toContainText("SQLite");
  await expect(card.locator("dt", { hasText: words.viewers }).locator("+ dd")).toHaveText(/^\d+$/);
  await expect(card.locator("dt", { hasText: words.lastSeen }).locator("+ dd")).toHaveText(/^\d s ago$/);
  const lesson = page.getByRole("region", { name: words.aloneTitle });
  await expect(lesson).toContainText(words.command);
  await expect(lesson).toContainText("PostgreSQL");
});

test("a robot that connects is counted on its instance", async ({ signedIn: page, orchestrator }) => {
  await go(page, words.title);
  const robots = page.locator("dt", { hasText: words.robots }).locator("+ dd");
  await expect(robots).toHaveText("0");
  await orchestrator.addRobot("counted");
  await expect(robots).toHaveText("1", { timeout: 20_000 });
});

test("silent, stopping and older instances are named, and old data is marked", async ({
  signedIn: page,
  orchestrator,
}) => {
  const { at, items } = (await orchestrator.get("/instances")) as Listed;
  const [own] = items;
  const unknown = Object.fromEntries(Object.keys(own ?? {}).map((name) => [name, null]));
  const listed = [
    own,
    { ...own, instance_id: "b", answered: false, name: "stops", state: "draining", version: "0.0.9" },
    { ...own, instance_id: "c", answered: false, name: "killed", state: "silent", bus: { kind: "nats", alive: false } },
    { ...unknown, instance_id: "d", answered: false, state: "running", last_seen_at: at },
  ];
  await page.route("**/api/v1/instances", (route) => route.fulfill({ json: { at, items: listed } }));
  await go(page, words.title);
  await expect(page.getByRole("region", { name: "stops" })).toContainText(words.states.draining);
  const killed = page.getByRole("region", { name: "killed" });
  await expect(killed).toContainText(words.states.silent);
  await expect(killed).toContainText(words.busOff("NATS"));
  await expect(page.getByRole("region", { name: words.unnamed })).toContainText(words.lastSeen);
  await expect(page.getByText(words.silentTitle(1))).toBeVisible();
  await expect(page.getByText(/^Several versions run: 0\.0\.9, /)).toBeVisible();
  await expect(page.getByText(words.aloneTitle)).toHaveCount(0);

  await page.unroute("**/api/v1/instances");
  await page.route("**/api/v1/instances", (route) =>
    route.fulfill({
      status: 403,
      json: { type: "error", payload: { code: "AUTH_FAILED", message: "refused by the test" } },
    }),
  );
  await expect(page.getByText(common.loaded.asOf)).toBeVisible({ timeout: 20_000 });
  await expect(page.getByRole("region", { name: "killed" })).toBeVisible();

  await page.reload();
  await expect(page.locator("[data-state='failed']")).toContainText("refused by the test");
});

test("a server without a description says when there will be one", async ({ signedIn: page }) => {
  await page.route("**/api/v1/instances", (route) =>
    route.fulfill({ json: { at: "2025-12-22T14:30:00.000Z", items: [] } }),
  );
  await go(page, words.title);
  await expect(page.getByRole("heading", { name: words.none })).toBeVisible();
});
