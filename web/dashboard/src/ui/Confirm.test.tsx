// @vitest-environment happy-dom
import { MantineProvider } from "@mantine/core";
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { Confirm } from "./Confirm";

vi.stubGlobal("matchMedia", () => ({
  matches: false,
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
}));
afterEach(cleanup);

it("a confirmation inside of a form does not submit that form", async () => {
  const outer = vi.fn();
  const confirmed = vi.fn(async () => undefined);
  render(
    <MantineProvider>
      <form onSubmit={outer}>
        <Confirm
          opened
          title="Delete?"
          text="It is gone."
          action="Delete"
          onClose={() => undefined}
          onConfirm={confirmed}
        />
      </form>
    </MantineProvider>,
  );
  const button = await screen.findByRole("button", { name: "Delete" });
  await act(async () => fireEvent.click(button));
  expect(confirmed).toHaveBeenCalledTimes(1);
  expect(outer).not.toHaveBeenCalled();
});
