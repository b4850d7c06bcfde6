// @vitest-environment happy-dom
import { MantineProvider } from "@mantine/core";
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { useEffect, useState } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DebouncedInput } from "./DebouncedInput";

const RENDER_EVERY_MS = 20;
let calls: (string | undefined)[] = [];

/** A page that live data renders 50 times a second. The address takes a change after `delayMs`. */
function Busy({ delayMs = 0 }: { delayMs?: number }) {
  const [, setFrame] = useState(0);
  const [value, setValue] = useState<string | undefined>("start");
  useEffect(() => {
    const timer = setInterval(() => setFrame((frame) => frame + 1), RENDER_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const change = (next: string | undefined) => {
    calls.push(next);
    setTimeout(() => setValue(next), delayMs);
  };
  return (
    <MantineProvider>
      <DebouncedInput value={value} onChange={change} label="Text" width={100} />
      <button type="button" onClick={() => setValue(undefined)}>
        clear
      </button>
    </MantineProvider>
  );
}

const field = () => screen.getByLabelText<HTMLInputElement>("Text");
const type = (text: string) => fireEvent.change(field(), { target: { value: text } });
const pass = (ms: number) => act(() => vi.advanceTimersByTime(ms));

describe("a search field on a page that is rendered all the time", () => {
  beforeEach(() => {
    calls = [];
    vi.useFakeTimers();
    vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {}, removeEventListener() {} }));
  });
  afterEach(() => {
    cleanup();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("applies the text once, after a pause in typing", () => {
    render(<Busy />);
    type("pay");
    pass(200);
    type("payroll ");
    pass(200);
    expect(calls).toEqual([]);
    pass(100);
    expect(calls).toEqual(["payroll"]);
    pass(1000);
    expect(calls).toEqual(["payroll"]);
    expect(field().value).toBe("payroll ");
  });

  it("keeps the typed text while earlier values are still being applied", () => {
    render(<Busy delayMs={600} />);
    type("a");
    pass(300);
    type("ab");
    pass(300);
    type("abc");
    pass(200);
    expect(field().value).toBe("abc");
    pass(2000);
    expect(calls).toEqual(["a", "ab", "abc"]);
    expect(field().value).toBe("abc");
  });

  it("applies the text at once on Enter", () => {
    render(<Busy />);
    type("payroll");
    fireEvent.keyDown(field(), { key: "Enter" });
    expect(calls).toEqual(["payroll"]);
    pass(1000);
    expect(calls).toEqual(["payroll"]);
  });

  it("shows a value that another control sets", () => {
    render(<Busy />);
    fireEvent.click(screen.getByText("clear"));
    expect(field().value).toBe("");
    type("");
    pass(1000);
    expect(calls).toEqual([]);
  });
});
