import { defineConfig } from "@playwright/test";

/**
 * Tests with the real server, real robots and Chromium. Two files run at the same time, because tests often wait.
 * The tests of a file run one after another, because they share an orchestrator.
 */
export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  fullyParallel: false,
  workers: 2,
  // One project per file: each has its own orchestrator.
  projects: (process.env.CASARE_E2E_URL !== undefined
    ? ["proxy"]
    : [
        "journey",
        "keyboard",
        "accessible",
        "busy",
        "safe",
        "states",
        "load",
        "minutes",
        "fleet",
        "design",
        "sessions",
        "logs",
        "instances",
      ]
  ).map((name) => ({
    name,
    testMatch: `${name}.spec.ts`,
  })),
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
        "--disable-gpu",
        // The page of a routed test has no network, and would not be allowed to call this machine.
        "--disable-features=LocalNetworkAccessChecks",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
      ],
    },
  },
});
