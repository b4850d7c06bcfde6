// @vitest-environment happy-dom
import { MantineProvider } from "@mantine/core";
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { NOTES } from "../texts/notes";
import { useEarlierLayout } from "../ui/preferences";
import { NewsNotice, NewsPanel } from "./News";

vi.stubGlobal("matchMedia", () => ({
  matches: false,
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
}));
beforeEach(() => localStorage.clear());
afterEach(cleanup);

const title = `New in ${NOTES[0]?.version}`;

function Layout() {
  const [earlier] = useEarlierLayout("jobPage");
  return <output>{earlier ? "earlier" : "new"}</output>;
}

function show(panel = false) {
  render(
    <MantineProvider>
      <Layout />
      <NewsNotice />
      {panel && <NewsPanel onClose={() => undefined} />}
    </MantineProvider>,
  );
}
const press = (name: string) => act(async () => fireEvent.click(screen.getByRole("button", { name })));

it("is shown after an update until it is closed, also on the next visit", async () => {
  localStorage.setItem("casare-seen-version", '"0.0.9"');
  show();
  expect(screen.getByRole("region", { name: title })).toBeTruthy();
  await press("Close these changes");
  expect(screen.queryByRole("region")).toBeNull();
  cleanup();
  show();
  expect(screen.queryByRole("region")).toBeNull();
});

it("is not shown on the first visit", () => {
  show();
  expect(screen.queryByRole("region")).toBeNull();
});

it("the earlier layout is chosen in the notice, kept by the browser, and reverted in the list", async () => {
  localStorage.setItem("casare-seen-version", '"0.0.9"');
  show();
  await press("Use the earlier layout of the job page");
  expect(screen.getByRole("status").textContent).toBe("earlier");
  await press("Close these changes");
  cleanup();
  show(true);
  expect(screen.getByRole("status").textContent).toBe("earlier");
  await press("Use the new layout of the job page");
  expect(screen.getByRole("status").textContent).toBe("new");
});
