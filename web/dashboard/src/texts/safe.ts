/** Makes texts of robots and users safe to show: characters that hide or reorder text become visible escapes. */

export type Colour = "black" | "red" | "green" | "yellow" | "blue" | "magenta" | "cyan" | "white";

/** A part of a text with one style. */
export interface Piece {
  text: string;
  colour: Colour | null;
  bold: boolean;
  italic: boolean;
  underline: boolean;
}

type Style = Omit<Piece, "text">;

const COLOURS: readonly Colour[] = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const NO_STYLE: Style = { colour: null, bold: false, italic: false, underline: false };
// A complete sequence that sets colours and weights, such as ESC [ 1 ; 31 m.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches control characters
const STYLE = /\u001b\[([0-9:;]{0,64})m/g;
// What redraws a line: a carriage return before more text, or an erased line.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches control characters
const REDRAWN = /\r(?!\n)|\u001b\[[02]?K/;
// A style, an erased line, or one character.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches control characters
const DRAWN = /\u001b\[([0-9:;]{0,64})m|\u001b\[([02]?)K|./gsu;
// Control characters except tab and line feed, bidirectional controls, and line separators.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches control characters
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The text with control characters, unfinished sequences and bidirectional controls as escapes such as `\u202e`. */
export function visible(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(UNSAFE, escaped);
}

function escaped(one: string): string {
  const code = one.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}

/** The text that `pieces` shows, without colours. */
export function plain(text: string): string {
  return text.includes("\u001b") || text.includes("\r")
    ? pieces(text)
        .map((piece) => piece.text)
        .join("")
    : visible(text);
}

/** Number of times that a carriage return or an escape sequence replaced text of a line, as progress bars do. */
export function overwrites(text: string): number {
  return REDRAWN.test(text) ? drawn(text).overwrites : 0;
}

/**
 * The parts of a text by style, each made visible. A carriage return continues at the start of the line, as on a terminal.
 * Backgrounds, concealment, reversal and colours outside the palette are left out: they can make a text unreadable.
 */
export function pieces(text: string): Piece[] {
  if (REDRAWN.test(text)) return joined(drawn(text).cells);
  if (!text.includes("\u001b")) return [{ ...NO_STYLE, text: visible(text) }];
  const found: Piece[] = [];
  let style = NO_STYLE;
  let position = 0;
  for (const match of text.matchAll(STYLE)) {
    if (match.index > position) found.push({ ...style, text: visible(text.slice(position, match.index)) });
    position = match.index + match[0].length;
    style = styled(style, match[1] ?? "");
  }
  if (position < text.length) found.push({ ...style, text: visible(text.slice(position)) });
  return found;
}

interface Cell {
  char: string;
  style: Style;
}

/** The characters that a terminal shows after it has drawn the text. */
function drawn(text: string): { cells: Cell[]; overwrites: number } {
  const cells: Cell[] = [];
  let style = NO_STYLE;
  let start = 0; // of the line
  let cursor = 0;
  let overwrites = 0;
  let fresh = true; // nothing of the line was replaced since the last carriage return
  for (const [part, parameters, erased] of text.replaceAll(/\r+\n/g, "\n").matchAll(DRAWN)) {
    if (parameters !== undefined) style = styled(style, parameters);
    else if (erased !== undefined) {
      const from = erased === "2" ? start : cursor;
      if (fresh && cells.length > from) overwrites += 1;
      cells.length = Math.min(cells.length, from);
      while (cells.length < cursor) cells.push({ char: " ", style: NO_STYLE });
    } else if (part === "\r") {
      cursor = start;
      fresh = true;
    } else if (part === "\n") {
      cells.push({ char: part, style });
      start = cells.length;
      cursor = start;
    } else {
      if (fresh && cursor < cells.length) {
        overwrites += 1;
        fresh = false;
      }
      cells[cursor] = { char: part, style };
      cursor += 1;
    }
  }
  return { cells, overwrites };
}

function joined(cells: readonly Cell[]): Piece[] {
  const found: Piece[] = [];
  let last: Style | null = null;
  for (const { char, style } of cells) {
    const piece = found.at(-1);
    if (piece !== undefined && style === last) piece.text += visible(char);
    else found.push({ ...style, text: visible(char) });
    last = style;
  }
  return found;
}

function styled(before: Style, parameters: string): Style {
  let style = before;
  const codes = parameters.split(/[;:]/).map(Number);
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    if (code === 38 || code === 48)
      at += codes[at + 1] === 2 ? 4 : 2; // an extended colour and its parameters
    else style = { ...style, ...change(code) };
  }
  return style;
}

function change(code: number): Partial<Style> {
  if (code === 0) return NO_STYLE;
  if (code === 1 || code === 22) return { bold: code === 1 };
  if (code === 3 || code === 23) return { italic: code === 3 };
  if (code === 4 || code === 24) return { underline: code === 4 };
  if (code === 39) return { colour: null };
  const colour = COLOURS[code >= 90 ? code - 90 : code - 30];
  return colour === undefined ? {} : { colour };
}
