// @vitest-environment happy-dom
import type { Virtualizer } from "@tanstack/react-virtual";
import { cleanup, renderHook } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import type { Log } from "./useLog";
import { useScrollPlace } from "./useScrollPlace";

const SHOWN = 100;
const LINE = 20;

afterEach(cleanup);

/** A scrolled element of `lines` lines. As in a browser, its position has bounds, and its event comes later. */
class Host {
  lines = 50;
  #top = 0;
  readonly clientHeight = SHOWN;
  get scrollHeight() {
    return this.lines * LINE;
  }
  get scrollTop() {
    return Math.min(this.#top, Math.max(0, this.scrollHeight - SHOWN));
  }
  set scrollTop(top: number) {
    this.#top = Math.min(top, Math.max(0, this.scrollHeight - SHOWN));
  }
  scrollTo({ top }: { top: number }) {
    this.scrollTop = top;
  }
  get atEnd() {
    return this.scrollTop === this.scrollHeight - SHOWN;
  }
}

function viewer() {
  const host = new Host();
  const scroller = { current: host as unknown as HTMLDivElement };
  const virtual = {
    getTotalSize: () => host.scrollHeight,
    getVirtualItemForOffset: () => undefined,
    measurementsCache: [],
    range: null,
  } as unknown as Virtualizer<HTMLDivElement, Element>;
  const opened = { at: "end", times: 1 };
  const shown = (arrived: number) =>
    ({ entries: [], arrived, older: false, newer: false, opened, loadOlder: async () => undefined }) as unknown as Log;
  const hook = renderHook(({ arrived }) => useScrollPlace(shown(arrived), virtual, scroller, null, false), {
    initialProps: { arrived: 0 },
  });
  let arrived = 0;
  /** More lines below, and fewer above. */
  const change = (below: number, above = 0) => {
    arrived += below;
    host.lines += below - above;
    hook.rerender({ arrived });
  };
  return { host, change, hook };
}

describe("a followed log", () => {
  it("stays at its end when lines arrive", () => {
    const { host, change } = viewer();
    change(3);
    expect(host.atEnd).toBe(true);
  });

  it("stays where the user scrolled, also for lines that arrive before the event of the scroll", () => {
    const { host, change, hook } = viewer();
    change(1);
    host.scrollTop = 300;
    change(2);
    expect(host.scrollTop).toBe(300);
    hook.result.current.scrolled();
    hook.rerender({ arrived: 3 });
    expect([hook.result.current.follow, host.scrollTop]).toEqual([false, 300]);
    change(1);
    expect([hook.result.current.news, host.scrollTop]).toEqual([1, 300]);
  });

  it("stays at its end when it gets shorter", () => {
    const { host, change } = viewer();
    change(1);
    change(0, 30);
    change(1);
    expect(host.atEnd).toBe(true);
  });

  it("is followed again from its end", () => {
    const { host, change, hook } = viewer();
    host.scrollTop = 0;
    hook.result.current.scrolled();
    hook.rerender({ arrived: 0 });
    hook.result.current.toEnd();
    change(2);
    expect([hook.result.current.follow, host.atEnd]).toEqual([true, true]);
  });
});
