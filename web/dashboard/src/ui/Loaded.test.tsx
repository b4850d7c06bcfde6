// @vitest-environment happy-dom
import { MantineProvider } from "@mantine/core";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { Loaded } from "./Loaded";

afterEach(cleanup);

const lines = (data: string[]) => ({ data, error: null, dataUpdatedAt: 0, refetch: () => undefined });

function shown(data: string[], instead: string | null): void {
  render(
    <MantineProvider>
      <Loaded of={lines(data)} empty={(all) => all.length === 0 && instead}>
        {(all) => <p>{`${all.length} lines`}</p>}
      </Loaded>
    </MantineProvider>,
  );
}

it("shows the data that has content", () => {
  shown(["one"], null);
  expect(screen.queryByText("1 lines")).not.toBeNull();
});

it("shows a sentence in place of empty data", () => {
  shown([], "No lines");
  expect(screen.queryByText("No lines")).not.toBeNull();
});

it("shows nothing in place of empty data when the panel has no sentence for it", () => {
  shown([], null);
  expect(screen.queryByText("0 lines")).toBeNull();
});
