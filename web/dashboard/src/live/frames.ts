/** Collects items and delivers them together: once per animation frame, or when `schedule` calls back. */
export class FrameBatch<T> {
  #items: T[] = [];
  #planned = false;

  constructor(
    private readonly deliver: (items: T[]) => void,
    private readonly schedule: (run: () => void) => void = (run) => requestAnimationFrame(run),
  ) {}

  add(item: T): void {
    this.#items.push(item);
    if (this.#planned) return;
    this.#planned = true;
    this.schedule(() => {
      this.#planned = false;
      const items = this.#items;
      this.#items = [];
      this.deliver(items);
    });
  }
}

/** Calls `act` after a mark: at once, and then at most once in `pauseMs`. */
export class Throttle {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #marked = false;

  constructor(
    private readonly pauseMs: number,
    private readonly act: () => void,
  ) {}

  mark(): void {
    this.#marked = true;
    if (this.#timer === undefined) this.#run();
  }

  #run(): void {
    if (!this.#marked) {
      this.#timer = undefined;
      return;
    }
    this.#marked = false;
    this.act();
    this.#timer = setTimeout(() => this.#run(), this.pauseMs);
  }
}

/** Calls `act` when the page has nothing to draw, at the latest after `withinMs`. */
export function whenIdle(act: () => void, withinMs: number): void {
  if (typeof requestIdleCallback === "function") requestIdleCallback(act, { timeout: withinMs });
  else setTimeout(act, withinMs);
}
