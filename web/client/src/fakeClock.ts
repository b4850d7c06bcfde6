import type { Clock } from "./clock.js";

interface Sleeper {
  at: number;
  run: () => void;
}

/** A clock for tests: time moves only in `advance`, and `random` returns `chance`. */
export class FakeClock implements Clock {
  chance = 0.5;
  #now = 1_000_000;
  #sleepers: Sleeper[] = [];

  now(): number {
    return this.#now;
  }

  /** Number of pending timers. */
  get asleep(): number {
    return this.#sleepers.length;
  }

  after(ms: number, run: () => void): () => void {
    const sleeper = { at: this.#now + ms, run };
    this.#sleepers.push(sleeper);
    return () => {
      this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
    };
  }

  random(): number {
    return this.chance;
  }

  /** Moves time forward by `ms` milliseconds and runs the due timers in order. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#sleepers.filter((one) => one.at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#sleepers = this.#sleepers.filter((one) => one !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await settled();
    }
    this.#now = until;
    await settled();
  }
}

/** Waits until the promises that are already resolved have run their callbacks. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}
