import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "@casare/client": fileURLToPath(new URL("client/src/index.ts", import.meta.url)) } },
  test: { include: ["*/src/**/*.test.ts"] },
});
