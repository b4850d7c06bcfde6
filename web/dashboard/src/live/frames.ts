/** Collects items and hands them on together, at most once per animation frame. */
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
