/** Combines requests for single keys that are made within `waitMs` into requests for at most `most` keys each. */
export class Batched<T> {
  #waiting = new Map<string, { promise: Promise<T>; settle: (load: Promise<ReadonlyMap<string, T>>) => void }>();

  /**
   * @param load loads the values of some keys
   * @param missing the value of a key that has none
   */
  constructor(
    private readonly load: (keys: string[]) => Promise<ReadonlyMap<string, T>>,
    private readonly missing: T,
    private readonly most = 100,
    private readonly schedule: (run: () => void) => void = (run) => setTimeout(run, 20),
  ) {}

  get(key: string): Promise<T> {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting.promise;
    if (this.#waiting.size === 0) this.schedule(() => this.#send());
    let settle: (load: Promise<ReadonlyMap<string, T>>) => void = () => undefined;
    const promise = new Promise<T>((resolve, reject) => {
      settle = (load) => void load.then((found) => resolve(found.get(key) ?? this.missing), reject);
    });
    this.#waiting.set(key, { promise, settle });
    return promise;
  }

  #send(): void {
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (let first = 0; first < all.length; first += this.most) {
      const part = all.slice(first, first + this.most);
      const loading = this.load(part.map(([key]) => key));
      for (const [, { settle }] of part) settle(loading);
    }
  }
}
