/** Time and chance, so that tests own them. */
export interface Clock {
  now(): number;
  /** Calls `run` after `ms`; the answer takes it back. */
  after(ms: number, run: () => void): () => void;
  /** 0 ≤ random < 1. */
  random(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
