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
