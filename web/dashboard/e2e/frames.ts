import type { Page } from "@playwright/test";

/** Number of animation frames within `ms` milliseconds. */
export function frames(page: Page, ms: number): Promise<number> {
  return page.evaluate(
    (time) =>
      new Promise<number>((resolve) => {
        let count = 0;
        const end = performance.now() + time;
        const step = () => {
          count += 1;
          if (performance.now() < end) requestAnimationFrame(step);
          else resolve(count);
        };
        requestAnimationFrame(step);
      }),
    ms,
  );
}
