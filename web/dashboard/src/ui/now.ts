import { useSyncExternalStore } from "react";

const STEP_MS = 1000;

let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const readers = new Set<() => void>();

function step(): void {
  if (document.hidden) return;
  now = Date.now();
  for (const read of readers) read();
}

function subscribe(read: () => void): () => void {
  readers.add(read);
  if (timer === undefined) {
    now = Date.now();
    timer = setInterval(step, STEP_MS);
    document.addEventListener("visibilitychange", step);
  }
  return () => {
    readers.delete(read);
    if (readers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
    document.removeEventListener("visibilitychange", step);
  };
}

/** The current time in milliseconds, updated every second while the page is visible. All readers share one timer. */
export function useNow(): number {
  return useSyncExternalStore(
    subscribe,
    () => now,
    () => now,
  );
}
