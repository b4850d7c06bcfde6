// @vitest-environment happy-dom
import { MantineProvider } from "@mantine/core";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { CanAct, OrderButton, OrderPage, ViewButton } from "./orders";

vi.stubGlobal("matchMedia", () => ({
  matches: false,
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
}));
afterEach(cleanup);

function show(canAct: boolean) {
  render(
    <MantineProvider>
      <CanAct value={canAct}>
        <OrderButton>Cancel the job</OrderButton>
        <ViewButton>Clear filters</ViewButton>
        <OrderPage>
          <form aria-label="Run" />
        </OrderPage>
      </CanAct>
    </MantineProvider>,
  );
}

describe("what changes something on the server", () => {
  it("is offered to a user", () => {
    show(true);
    expect(screen.getByRole("button", { name: "Cancel the job" })).toBeTruthy();
    expect(screen.getByRole("form", { name: "Run" })).toBeTruthy();
    expect(screen.queryByText("This link is read-only")).toBeNull();
  });

  it("is not offered to a read-only link, which says so on a page for orders", () => {
    show(false);
    expect(screen.queryByRole("button", { name: "Cancel the job" })).toBeNull();
    expect(screen.queryByRole("form")).toBeNull();
    expect(screen.getByRole("heading", { name: "This link is read-only" })).toBeTruthy();
    expect(screen.getByRole("button", { name: "Clear filters" })).toBeTruthy();
  });
});
