/** Collects items and hands them on together: once per animation frame, or as often as `schedule` has it. */
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
