import { defineConfig } from "@playwright/test";
import type { Store } from "./e2e/fixtures";
import tests from "./playwright.config";

/** `make bench-dashboard`: measures the dashboard on full stores, and fails when a limit is missed. */
export default defineConfig<Record<never, never>, Store>({
  ...tests,
  projects: [50_000, 1_000_000].map((jobs) => ({ name: String(jobs), testMatch: "full.bench.ts", use: { jobs } })),
  timeout: 600_000,
  reporter: [["line"]],
});
