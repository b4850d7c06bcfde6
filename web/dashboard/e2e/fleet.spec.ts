import { laneTexts, robotBulkTexts, robotTexts, robotTextsOne as words } from "../src/texts/robots";
import { expect, test } from "./fixtures";

interface Stored {
  robot_id: string;
  name: string;
  tags: string[];
  max_concurrent_jobs: number | null;
  draining: { reason: string } | null;
}

test("robots are found on the map with the keyboard, ordered together, edited and deleted", async ({
  signedIn: page,
  orchestrator,
}) => {
  const ids = Array.from({ length: 6 }, (_, number) => `line.${number}`);
  for (const [number, id] of ids.entries())
    await orchestrator.post("/robots", {
      robot_id: id,
      name: `Line ${number}`,
      tags: number < 4 ? ["press"] : ["paint"],
    });
  const stored = async () => ((await orchestrator.get("/robots")) as { items: Stored[] }).items;
  const drained = async () => (await stored()).filter((one) => one.draining !== null).map((one) => one.robot_id);

  await page.goto(`${orchestrator.url}/robots?view=map`);
  const cell = (name: string) => page.getByRole("link", { name: `${name}: ${robotTexts.never}` });
  await cell("Line 4").focus();
  await page.keyboard.press("ArrowRight");
  await expect(cell("Line 5")).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(cell("Line 1")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(`${orchestrator.url}/robots/line.1`);
  await expect(page.getByRole("heading", { level: 1, name: "Line 1" })).toBeVisible();

  await page.getByRole("button", { name: words.edit }).click();
  const form = page.getByRole("dialog");
  await form.getByRole("textbox", { name: words.name }).fill("Press 1");
  await form.getByRole("textbox", { name: words.slots }).fill("3");
  await form.getByLabel(words.tags).first().fill("new");
  await page.keyboard.press("Enter");
  await form.getByRole("button", { name: words.save }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Press 1" })).toBeVisible();
  expect((await stored()).find((one) => one.robot_id === "line.1")).toMatchObject({
    name: "Press 1",
    max_concurrent_jobs: 3,
    tags: ["new", "press"],
  });

  await orchestrator.post("/robots/line.3/drain", { reason: "earlier" });
  await page.goto(`${orchestrator.url}/robots?view=map&tag=press`);
  await page
    .getByRole("region", { name: robotBulkTexts.allShown(4) })
    .getByRole("button", { name: robotBulkTexts.orders.drain })
    .click();
  const order = page.getByRole("dialog", { name: robotBulkTexts.title("drain", 3) });
  await expect(order.getByText(robotBulkTexts.skipped("drain", 1))).toBeVisible();
  await order.getByRole("textbox").fill("patch day");
  await order.getByRole("button", { name: robotBulkTexts.title("drain", 3) }).click();
  await expect(page.getByText(robotBulkTexts.done("drain", 3, 0))).toBeVisible();
  expect(await drained()).toEqual(["line.0", "line.1", "line.2", "line.3"]);

  await page.goto(`${orchestrator.url}/robots/line.5`);
  await page.getByRole("button", { name: words.delete }).click();
  const question = page.getByRole("dialog", { name: words.deleteTitle("Line 5") });
  await expect(question.getByText("line.5")).toBeVisible();
  await question.getByRole("button", { name: "Delete Line 5" }).click();
  await expect(page).toHaveURL(`${orchestrator.url}/robots`);
  await expect(page.getByRole("button", { name: `${robotTexts.anyState} 5` })).toBeVisible();
  expect((await stored()).map((one) => one.robot_id)).toEqual(["line.0", "line.1", "line.2", "line.3", "line.4"]);
});

test("the timeline shows what each robot ran, and opens a run", async ({ signedIn: page, orchestrator }) => {
  await orchestrator.addRobot("night.1", ["night"]);
  const ended = async (wishes: object) => {
    const jobId = await orchestrator.submit("slow", { tags: ["night"], ...wishes });
    await orchestrator.until(
      async () => ((await orchestrator.get(`/jobs/${jobId}`)) as { finished_at: string | null }).finished_at !== null,
    );
    return jobId;
  };
  await ended({ parameters: { steps: 1, fail: true } });
  const last = await ended({ parameters: { steps: 1 } });
  await page.goto(`${orchestrator.url}/robots?q=night`);
  await page.getByText(robotTexts.views.time).click();
  await expect(page).toHaveURL(/view=time/);
  const lane = page.getByRole("img", { name: laneTexts.lane(2, 1) });
  await expect(lane).toBeVisible();
  const box = (await lane.boundingBox()) ?? { width: 0, height: 0 };
  // The newest run is at the right edge, within the time since this page was loaded.
  const found = page.getByText(/^slow on night.1, .*Completed/);
  for (let x = box.width - 1; x > box.width - 60 && !(await found.isVisible()); x -= 2)
    await lane.hover({ position: { x, y: box.height / 2 } });
  await expect(found).toBeVisible();
  await page.mouse.down();
  await page.mouse.up();
  await expect(page).toHaveURL(`${orchestrator.url}/jobs/${last}`);
});
