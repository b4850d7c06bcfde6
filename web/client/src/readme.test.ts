import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "casare-readme-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Compiler errors of a program that imports this package; empty when there are none. */
function compilerErrors(program: string): string {
  const compilerOptions = {
    noEmit: true,
    types: ["node"],
    typeRoots: [here("../../node_modules/@types")],
    paths: { "@casare/client": [here("index.ts")] },
  };
  const config = { extends: here("../../tsconfig.base.json"), compilerOptions, files: ["example.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  writeFileSync(join(folder, "example.ts"), program);
  const tsc = here("../../node_modules/.bin/tsc");
  const { stdout, error } = spawnSync(tsc, ["-p", folder, "--pretty", "false"], { encoding: "utf8" });
  if (error !== undefined) throw error;
  return stdout;
}

it("the example of the README compiles, and a mistake in it is found", { timeout: 60_000 }, () => {
  const example = /```typescript\n(.*?)```/s.exec(readFileSync(here("../README.md"), "utf8"))?.[1] ?? "";
  expect(compilerErrors(example)).toBe("");
  expect(compilerErrors(example.replace("update.progress", "update.progres"))).toContain("Did you mean 'progress'?");
});
