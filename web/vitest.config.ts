import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { iconModules } from "./dashboard/iconModules.ts";

const source = (name: string) => fileURLToPath(new URL(`client/src/${name}.ts`, import.meta.url));

export default defineConfig({
  plugins: [iconModules()],
  resolve: {
    alias: [
      { find: /^@casare\/client$/, replacement: source("index") },
      { find: /^@casare\/client\/testing$/, replacement: source("testing") },
    ],
  },
  test: { include: ["*/src/**/*.test.{ts,tsx}"] },
});
