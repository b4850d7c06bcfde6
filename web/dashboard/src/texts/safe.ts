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
// Complete sequences that change no text: modes such as a hidden cursor, the character set, the ends of a hyperlink.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches control characters
const SILENT = /\u001b\[\?[0-9;]{1,32}[hl]|\u001b\(B|\u001b\]8;[ -:<-~]{0,256};[ -~]{0,2048}(?:\u0007|\u001b\\)/g;
// What redraws a line: a carriage return before more text, a backspace, a move of the cursor in the line, or an erased line.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches control characters
const REDRAWN = /\r(?!\n)|\u0008|\u001b\[(?:[0-9]{0,4}[CDG]|[02]?K)/;
// A style, an erased line, a move of the cursor in the line, or one character.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches control characters
const DRAWN = /\u001b\[([0-9:;]{0,64})m|\u001b\[([02]?)K|\u001b\[([0-9]{0,4})([CDG])|./gsu;
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
  return ["\b", "\r", "\u001b"].some((one) => text.includes(one))
    ? pieces(text)
        .map((piece) => piece.text)
        .join("")
    : visible(text);
}

/** Number of times that a carriage return or an escape sequence replaced text of a line, as progress bars do. */
export function overwrites(text: string): number {
  return REDRAWN.test(text) ? drawn(text.replace(SILENT, "")).overwrites : 0;
}

/**
 * The parts of a text by style, each made visible. The cursor moves within the line as on a terminal: a carriage return
 * continues at its start. Sequences that could hide text otherwise, such as a cleared screen, are shown as escapes.
 * Backgrounds, concealment, reversal and colours outside the palette are left out: they can make a text unreadable.
 */
export function pieces(given: string): Piece[] {
  const text = given.includes("\u001b") ? given.replace(SILENT, "") : given;
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

/** Columns that a move of the cursor can reach to the right of the text: the width of a wide terminal. */
const WIDTH = 250;

/** The characters that a terminal shows after it has drawn the text. */
function drawn(text: string): { cells: Cell[]; overwrites: number } {
  const cells: Cell[] = [];
  let style = NO_STYLE;
  let start = 0; // of the line
  let cursor = 0;
  let overwrites = 0;
  let fresh = true; // nothing of the line was replaced since the last carriage return
  const fill = () => {
    while (cells.length < cursor) cells.push({ char: " ", style: NO_STYLE });
  };
  for (const [part, parameters, erased, columns, move] of text.replaceAll(/\r+\n/g, "\n").matchAll(DRAWN)) {
    if (parameters !== undefined) style = styled(style, parameters);
    else if (erased !== undefined) {
      const from = erased === "2" ? start : cursor;
      if (fresh && cells.length > from) overwrites += 1;
      cells.length = Math.min(cells.length, from);
    } else if (move !== undefined || part === "\b") {
      const to = moved(cursor - start, move ?? "D", columns ?? "");
      cursor = start + Math.max(0, Math.min(to, Math.max(WIDTH, cells.length - start)));
      fresh = true;
    } else if (part === "\r") {
      cursor = start;
      fresh = true;
    } else if (part === "\n") {
      fill();
      cells.push({ char: part, style });
      start = cells.length;
      cursor = start;
    } else {
      if (fresh && cursor < cells.length) {
        overwrites += 1;
        fresh = false;
      }
      fill();
      cells[cursor] = { char: part, style };
      cursor += 1;
    }
  }
  fill();
  return { cells, overwrites };
}

/** The column of the cursor after a move: to the right (C), to the left (D), or to a column (G) that is counted from 1. */
function moved(column: number, move: string, by: string): number {
  const columns = Math.max(1, Number(by));
  if (move === "G") return columns - 1;
  return move === "C" ? column + columns : column - columns;
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
