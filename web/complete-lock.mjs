// Completes package-lock.json: `npm ci` requires an entry for every optional package of every platform, also for packages
// that the registry does not have, and no entry may name a registry.
import { readFileSync, writeFileSync } from "node:fs";

const PATH = new URL("package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(PATH, "utf8"));

for (const entry of Object.values(lock.packages)) {
  if (/^https?:/.test(entry.resolved ?? "")) delete entry.resolved;
}
const biome = lock.packages["node_modules/@biomejs/biome"];
for (const name of Object.keys(biome.optionalDependencies)) {
  const [, os, cpu, musl] = /cli-(\w+?)-(\w+?)(?:-(musl))?$/.exec(name);
  const libc = os === "linux" ? { libc: [musl ?? "glibc"] } : {};
  const { version, license } = biome;
  lock.packages[`node_modules/${name}`] ??= {
    version,
    cpu: [cpu],
    dev: true,
    license,
    optional: true,
    os: [os],
    ...libc,
  };
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(PATH, `${JSON.stringify(lock, null, 2)}\n`);
