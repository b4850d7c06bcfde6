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
