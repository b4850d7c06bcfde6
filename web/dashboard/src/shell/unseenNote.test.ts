import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { NOTES, type Note } from "../texts/notes";
import { VERSION } from "../version";
import { compareVersions, unseenNote } from "./unseenNote";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const notes: Note[] = ["0.3.0", "0.2.0", "0.1.0"].map((version) => ({ version, lines: ["A line."] }));

describe("the notice about a new version", () => {
  it("is not shown on the first visit", () => {
    expect(unseenNote(notes, null, "0.3.0")).toBeNull();
  });

  it("is about the newest of the versions since the last visit", () => {
    expect(unseenNote(notes, "0.1.0", "0.3.0")?.version).toBe("0.3.0");
    expect(unseenNote(notes, "0.2.4", "0.3.1")?.version).toBe("0.3.0");
  });

  it("is not shown again after it was closed, nor after a version without a note", () => {
    expect(unseenNote(notes, "0.3.0", "0.3.0")).toBeNull();
    expect(unseenNote(notes, "0.3.0", "0.3.1")).toBeNull();
  });

  it("is about no later version than that of the page, and not shown after a return to an earlier one", () => {
    expect(unseenNote(notes, "0.1.0", "0.2.0")?.version).toBe("0.2.0");
    expect(unseenNote(notes, "0.3.0", "0.2.0")).toBeNull();
  });
});

it("versions are compared by their numbers", () => {
  const ordered = ["0.1.0", "0.2", "0.2.1", "0.10.0", "1.0.0"];
  expect([...ordered].reverse().sort(compareVersions)).toEqual(ordered);
  expect(compareVersions("0.2", "0.2.0")).toBe(0);
});

describe("the notes", () => {
  it("begin with the version of the server, or with the unreleased one", () => {
    const server = /__version__ = "(.*)"/.exec(readFileSync(`${root}src/casare_rpa/__init__.py`, "utf8"))?.[1];
    const unreleased = /^## (\S+) \(unreleased\)$/m.exec(readFileSync(`${root}CHANGELOG.md`, "utf8"))?.[1];
    expect(VERSION).toBe(server);
    expect([server, unreleased]).toContain(NOTES[0]?.version);
  });

  it("are ordered from the newest version, with one to five lines each", () => {
    const versions = NOTES.map(({ version }) => version);
    expect([...versions].sort((a, b) => compareVersions(b, a))).toEqual(versions);
    for (const { lines } of NOTES) {
      expect(lines.length).toBeGreaterThanOrEqual(1);
      expect(lines.length).toBeLessThanOrEqual(5);
    }
  });
});
