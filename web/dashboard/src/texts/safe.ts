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

/** As `visible`, without colours. */
export function plain(text: string): string {
  return visible(text.includes("\u001b") ? text.replace(STYLE, "") : text);
}

/**
 * The parts of a text by style, each made visible. Backgrounds, concealment, reversal and colours outside the palette are
 * left out: they can make a text unreadable.
 */
export function pieces(text: string): Piece[] {
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
