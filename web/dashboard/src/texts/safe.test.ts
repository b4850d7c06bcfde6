import { describe, expect, it } from "vitest";
import { overwrites, pieces, plain, visible } from "./safe";

const ESC = "\u001b";
const UNSAFE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;
const shown = (text: string) =>
  pieces(text)
    .map((piece) => piece.text)
    .join("");

describe("texts of robots and users", () => {
  it("show the rest of a line after an incomplete escape sequence", () => {
    for (const text of [`before ${ESC}[é after`, `before ${ESC}[1;`, `before ${ESC}]0;title`, `before ${ESC}`]) {
      expect(shown(text)).toBe(text.replaceAll(ESC, "\\x1b"));
      expect(plain(text)).toBe(shown(text));
    }
  });

  it("show text that an escape sequence would conceal", () => {
    for (const code of ["8", "7", "30;40", "38;2;255;255;255", "38;5;231;48;5;231", "48:2:0:0:0", "5", "2", "97"]) {
      const [before, hidden] = pieces(`before ${ESC}[${code}mhidden`);
      expect([before?.text, hidden?.text]).toEqual(["before ", "hidden"]);
      expect(Object.keys(hidden ?? {}).sort()).toEqual(["bold", "colour", "italic", "text", "underline"]);
    }
    expect(pieces(`${ESC}[38;5;1;3mtext`)[0]).toMatchObject({ colour: null, italic: true });
  });

  it("keep colours and weights until they are reset", () => {
    expect(pieces(`${ESC}[1;31mred${ESC}[22m thin${ESC}[39;4m plain${ESC}[m end`)).toEqual([
      { text: "red", colour: "red", bold: true, italic: false, underline: false },
      { text: " thin", colour: "red", bold: false, italic: false, underline: false },
      { text: " plain", colour: null, bold: false, italic: false, underline: true },
      { text: " end", colour: null, bold: false, italic: false, underline: false },
    ]);
    expect(pieces(`${ESC}[94mx`)[0]?.colour).toBe("blue");
  });

  it("show what a terminal shows after a carriage return, and how often a line was replaced", () => {
    for (const [text, seen, times] of [
      ["progress 10%\rprogress 20%\rprogress 100%", "progress 100%", 2],
      ["abcdef\rxy", "xycdef", 1],
      [`downloading\r${ESC}[Kdone`, "done", 1],
      [`secret${ESC}[2K`, "      ", 1],
      ["line\r\nnext\r\r\nlast\r\n", "line\nnext\nlast\n", 0],
      ["first\nsecond\rS", "first\nSecond", 1],
      ["end\r", "end", 0],
      [`end${ESC}[K`, "end", 0],
    ] as const) {
      expect([text, shown(text), plain(text), overwrites(text)]).toEqual([text, seen, seen, times]);
    }
    for (const [text, seen, times] of [
      ["abc\b\bX", "aXc", 1],
      [`10%${ESC}[3D20%`, "20%", 1],
      [`0 of 9${ESC}[1G1`, "1 of 9", 1],
      [`name${ESC}[6Cvalue`, "name      value", 0],
      [`abcdef${ESC}[2D${ESC}[Kx`, "abcdx", 1],
      [`${ESC}[9999Cx`, `${" ".repeat(250)}x`, 0],
      ["\b\bstart", "start", 0],
      [`one\ntwo${ESC}[99Dx`, "one\nxwo", 1],
    ] as const) {
      expect([text, shown(text), plain(text), overwrites(text)]).toEqual([text, seen, seen, times]);
    }
    expect(pieces(`${ESC}[31mred\r${ESC}[32mgr`)).toMatchObject([
      { text: "gr", colour: "green" },
      { text: "d", colour: "red" },
    ]);
  });

  it("leave out sequences that change no text, and show all others", () => {
    const link = `${ESC}]8;;https://example.com/a;b${ESC}\\report${ESC}]8;;\u0007`;
    for (const [text, seen] of [
      [`${ESC}[?25lworking${ESC}[?25h`, "working"],
      [`${ESC}(B${ESC}[mplain`, "plain"],
      [`see ${link} now`, "see report now"],
      [`a\r${ESC}[?25lb`, "b"],
      [`secret${ESC}[2Jshown`, "secret\\x1b[2Jshown"],
      [`up${ESC}[1A`, "up\\x1b[1A"],
      [`${ESC}]0;title\u0007x`, "\\x1b]0;title\\x07x"],
      [`${ESC}]8;;https://example.com`, "\\x1b]8;;https://example.com"],
    ] as const) {
      expect([text, shown(text), plain(text)]).toEqual([text, seen, seen]);
    }
  });

  it("are drawn in a time that grows with their length", () => {
    for (const part of [`${ESC}]8;;x`, `${ESC}[?1`, `${ESC}[9999C\r`, "ab\b", `${ESC}[1K`, "\u001b(B"]) {
      const text = part.repeat(Math.ceil(64_000 / part.length));
      expect(plain(text).length).toBeLessThan(1_000_000);
    }
  });

  it("have no control characters and no bidirectional controls", () => {
    const all = Array.from({ length: 0x2100 }, (_, code) => String.fromCharCode(code)).join("");
    for (const text of [visible(all), plain(all), shown(all)]) {
      expect(text.replaceAll(/[\t\n]/g, "")).not.toMatch(UNSAFE);
      expect(text).toContain("\\u202e");
    }
    expect(visible("שלום العربية 日本語 👩‍🚀\t\n")).toBe("שלום العربية 日本語 👩‍🚀\t\n");
  });
});
