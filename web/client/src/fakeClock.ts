import type { Clock } from "./clock.js";

interface Sleeper {
  at: number;
  run: () => void;
}

/** Time that a test owns: it moves when told to, and chance is what the test says. */
export class FakeClock implements Clock {
  chance = 0.5;
  #now = 1_000_000;
  #sleepers: Sleeper[] = [];

  now(): number {
    return this.#now;
  }

  /** How many wait for their time. */
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

  /** Wake whoever sleeps until then, in order. */
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

/** Everything that was promised up to now has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}
