import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin, type Rollup } from "vite";
import { iconModules } from "./iconModules.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const server = process.env.CASARE_URL ?? "http://127.0.0.1:8000";

/** The overview page. The budget counts the entry, this page and all their imports. */
const FIRST_PAGE = "/pages/overview/OverviewPage.tsx";
const BUDGET_BYTES = 250 * 1024;

function initialChunks(bundle: Rollup.OutputBundle): Set<string> {
  const found = new Set<string>();
  const add = (name: string): void => {
    const chunk = bundle[name];
    if (chunk?.type !== "chunk" || found.has(name)) return;
    found.add(name);
    for (const imported of chunk.imports) add(imported);
  };
  for (const [name, chunk] of Object.entries(bundle)) {
    if (chunk.type === "chunk" && (chunk.isEntry || chunk.facadeModuleId?.endsWith(FIRST_PAGE))) add(name);
  }
  return found;
}

/** Fails the build when a package is missing: the bundler would leave its import to the browser, which cannot resolve it. */
function complete(): Plugin {
  return {
    name: "casare-complete",
    apply: "build",
    generateBundle(_options, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== "chunk") continue;
        const missing = [...chunk.imports, ...chunk.dynamicImports].filter((name) => bundle[name] === undefined);
        if (missing.length > 0)
          this.error(`not installed: ${missing.join(", ")}; remove web/node_modules and run make`);
      }
    },
  };
}

/** Fails the build when the first page exceeds its budget, and writes the compressed files that the server sends. */
function weighed(): Plugin {
  return {
    name: "casare-weighed",
    apply: "build",
    // After the files are written, so that the compressed files have the same content.
    writeBundle(options, bundle) {
      const initial = initialChunks(bundle);
      let weight = 0;
      for (const [name, file] of Object.entries(bundle)) {
        if (!/\.(?:js|css)$/.test(name)) continue;
        const packed = gzipSync(file.type === "chunk" ? file.code : file.source, { level: 9 });
        if (initial.has(name)) weight += packed.length;
        writeFileSync(join(options.dir ?? "", `${name}.gz`), packed);
      }
      const kib = (bytes: number) => `${(bytes / 1024).toFixed(1)} KiB`;
      const sentence = `initial JavaScript: ${kib(weight)} gzipped of ${kib(BUDGET_BYTES)}`;
      if (weight > BUDGET_BYTES) this.error(sentence);
      console.log(sentence);
    },
  };
}

export default defineConfig({
  base: "./", // the server writes the path of the dashboard into the page
  plugins: [react(), iconModules(), complete(), weighed()],
  resolve: { alias: { "@casare/client": here("../client/src/index.ts") } },
  build: {
    outDir: here("../../src/casare_rpa/_dashboard"),
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the content security policy forbids fonts in data: URLs
    reportCompressedSize: false,
  },
  server: {
    proxy: {
      "/api": server,
      "/health": server,
      "/ws": { target: server, ws: true },
    },
  },
});
