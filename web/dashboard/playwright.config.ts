import { defineConfig } from "@playwright/test";

/** The real server, real robots, Debian's Chromium. One worker: the tests of a file share one orchestrator, as people do. */
export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  fullyParallel: false,
  workers: 1,
  // One orchestrator for each: what one of them leaves behind is nothing to the others.
  projects: ["journey", "keyboard", "accessible", "busy"].map((name) => ({ name, testMatch: `${name}.spec.ts` })),
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  use: {
    actionTimeout: 15_000,
    viewport: { width: 1360, height: 860 },
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CASARE_CHROMIUM ?? "/usr/bin/chromium",
      args: [
        ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
        "--disable-quic",
        // A page that a test makes up is of no network, and may call this machine.
        "--disable-features=LocalNetworkAccessChecks",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
      ],
    },
  },
});
