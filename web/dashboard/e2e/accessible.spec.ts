import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
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

for (const scheme of ["light", "dark"] as const) {
  // axe examines both themes in make test-all, one in make test.
  test(`every page is accessible, ${scheme}${scheme === "dark" ? " @long" : ""}`, async ({
    signedIn: page,
    orchestrator,
  }) => {
    test.slow(); // axe examines fifteen pages
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    const robotId = `axe-${scheme}`;
    await orchestrator.addRobot(robotId, [scheme]);
    const failed = await orchestrator.submit("slow", { parameters: { steps: 1, fail: true }, tags: [scheme] });
    const done = await orchestrator.submit("slow", { parameters: { steps: 1 }, tags: [scheme] });
    const waiting = await orchestrator.submit("slow", { tags: ["nobody"] });
    await orchestrator.until(
      async () => ((await orchestrator.get(`/jobs/${done}`)) as { status: string }).status === "completed",
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
      expect(await violationsOf(page), path).toEqual([]);
    }
    await orchestrator.endSessions();
    await expect(page.getByRole("dialog", { name: "Your session has ended" })).toBeVisible();
    expect(await violationsOf(page)).toEqual([]);
    await page.getByRole("button", { name: "Leave this page" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
    expect(await violationsOf(page)).toEqual([]);
  });
}
