import { describe, expect, it } from "vitest";
import { includesText, markedPieces } from "./matches";
import { pieces } from "./safe";

const ESC = "\u001b";
const marked = (text: string, part: string) =>
  markedPieces(text, part).map((piece) => (piece.marked ? `[${piece.text}]` : piece.text));

describe("the occurrences of a searched text", () => {
  it("are marked in upper and lower case, each", () => {
    expect(marked("Timeout after timeout", "TIMEOUT")).toEqual(["[Timeout]", " after ", "[timeout]"]);
    expect(marked("aaaa", "aa")).toEqual(["[aa]", "[aa]"]);
    expect(marked("Größe ändern", "GRÖSSE")).toEqual(["Größe ändern"]);
    expect(marked("nothing here", "timeout")).toEqual(["nothing here"]);
  });

  it("are text and no pattern", () => {
    for (const part of [".", "a|b", "[x]", "(", "\\d", "-", "^$", "a/b", "{2}", "*"]) {
      expect(marked(`<${part}>`, part), part).toEqual(["<", `[${part}]`, ">"]);
      expect(marked("aXxd2", part), part).toEqual(["aXxd2"]);
    }
  });

  it("are marked across colours and in the text that is left after a carriage return", () => {
    expect(marked(`${ESC}[31mtime${ESC}[0mout later`, "timeout")).toEqual(["[time]", "[out]", " later"]);
    expect(marked("timeout 1\rtimeout 2", "timeout")).toEqual(["[timeout]", " 2"]);
    expect(marked("timeout\rdone   ", "timeout")).toEqual(["done   "]);
  });

  it("leave the shown text as it is", () => {
    for (const text of ["plain", `${ESC}[1mbold${ESC}[0m \u202e x\ty`, "a\nb", ""]) {
      for (const part of ["b", "o", "\\u202e", " "]) {
        const whole = (all: { text: string }[]) => all.map((piece) => piece.text).join("");
        expect(whole(markedPieces(text, part))).toBe(whole(pieces(text)));
      }
    }
  });

  it("are found by the rule of the server", () => {
    expect(includesText("Orders: Timeout", "TIMEOUT")).toBe(true);
    expect(includesText("Orders", "x")).toBe(false);
  });
});
