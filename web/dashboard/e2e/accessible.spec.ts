import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { failureTexts } from "../src/texts/failures";
import { expect, test } from "./fixtures";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** The violations that axe finds, as readable text. */
async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.finished.catch(() => undefined))));
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html.slice(0, 160)}: ${node.failureSummary}`),
  );
}

const LOOKS = {
  light: { colorScheme: "light", width: 1360, height: 860 },
  dark: { colorScheme: "dark", width: 1360, height: 860 },
  phone: { colorScheme: "light", width: 390, height: 844 },
  // A window of 1360 × 860 pixels has half of them for the page at 200 % zoom.
  zoomed: { colorScheme: "dark", width: 680, height: 430 },
} as const;

for (const [look, { colorScheme, ...size }] of Object.entries(LOOKS)) {
  // axe examines every look in make test-all, one in make test.
  test(`every page is accessible, ${look}${look === "light" ? "" : " @long"}`, async ({
    signedIn: page,
    orchestrator,
  }) => {
    test.slow(); // axe examines twenty pages
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize(size);
    const robotId = `axe-${look}`;
    await orchestrator.addRobot(robotId, [look]);
    const done = await orchestrator.submit("slow", { parameters: { steps: 1 }, tags: [look] });
    const failed = await orchestrator.submit("slow", { parameters: { steps: 1, fail: true }, tags: [look] });
    const waiting = await orchestrator.submit("slow", { tags: ["nobody"] });
    await orchestrator.until(
      async () => ((await orchestrator.get(`/jobs/${failed}`)) as { status: string }).status === "failed",
    );

    const pages = [
      "/",
      "/robots",
      "/robots?view=list",
      "/robots?view=map",
      "/robots?view=time",
      `/robots/${robotId}`,
      "/robots/new",
      "/jobs",
      "/jobs/new",
      "/audit",
      "/failures",
      "/access",
      "/instances",
    ];
    pages.push(
      `/jobs/${failed}`,
      `/jobs/${done}`,
      `/jobs/${waiting}`,
      "/logs",
      `/logs?job=${done}`,
      `/logs?job=${done}&q=step`,
      "/queues",
      "/workflows/slow",
      "/nowhere",
    );
    for (const path of pages) {
      await page.goto(orchestrator.url + path);
      await expect(page.locator("#content").getByRole("heading").first()).toBeVisible();
      if (path === "/failures") {
        await page.getByRole("button", { name: failureTexts.compare, exact: true }).first().click();
        const region = page.getByRole("region", { name: failureTexts.comparison });
        await expect(region.getByRole("table")).toBeVisible();
      }
      // Nothing of the page is cut off at its right edge.
      expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), path).toBeLessThan(1);
      expect(await violationsOf(page), path).toEqual([]);
    }
    // The announcement of an update, above a list whose filters leave nothing.
    if (look !== "light") {
      await page.evaluate(() => localStorage.setItem("casare-seen-version", '"0.0.1"'));
      await page.goto(`${orchestrator.url}/jobs?q=nothing-of-this-name`);
      await expect(page.getByRole("region", { name: /^New in/ })).toBeVisible();
      await expect(page.getByRole("button", { name: "Clear filters" }).first()).toBeVisible();
      expect(await violationsOf(page)).toEqual([]);
      if (size.width > 767) {
        await page.getByRole("button", { name: /^Version/ }).click();
        await expect(page.getByRole("dialog").getByRole("heading", { name: /^New in/ })).toBeVisible();
        expect(await violationsOf(page)).toEqual([]);
        await page.keyboard.press("Escape");
      }
    }
    await orchestrator.endSessions();
    await expect(page.getByRole("dialog", { name: "Your session has ended" })).toBeVisible();
    expect(await violationsOf(page)).toEqual([]);
    await page.getByRole("button", { name: "Leave this page" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
    expect(await violationsOf(page)).toEqual([]);
  });
}
