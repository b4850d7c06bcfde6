import { memo } from "react";
import { common } from "../texts/common";
import { includesText, markedPieces } from "../texts/matches";
import { overwrites, type Piece, pieces, plain, visible } from "../texts/safe";
import classes from "./SafeText.module.css";

/** A text of a robot or user, with its colours, and with the occurrences of `marked` as marks. Characters that hide or reorder text are shown as escapes. */
export const SafeText = memo(function SafeText({ text, marked }: { text: string; marked?: string | undefined }) {
  const replaced = overwrites(text);
  if (replaced === 0) return <Parts text={text} marked={marked} />;
  return (
    <>
      <Parts text={text} marked={marked} />
      <span className={classes.replaced} title={visible(text.replaceAll("\r", "\n"))}>
        {" "}
        {common.replaced(replaced)}
      </span>
    </>
  );
});

function Parts({ text, marked }: { text: string; marked: string | undefined }) {
  const parts: readonly (Piece & { marked?: boolean })[] =
    marked === undefined || !includesText(plain(text), marked) ? pieces(text) : markedPieces(text, marked);
  const [only] = parts;
  if (parts.length === 1 && only !== undefined && isPlain(only)) return only.text;
  return parts.map((part, index) => {
    const Part = part.marked === true ? "mark" : "span";
    return (
      <Part
        key={index}
        className={part.marked === true ? `${classes.part} ${classes.mark}` : classes.part}
        data-colour={part.colour}
        data-bold={part.bold}
        data-italic={part.italic}
        data-underline={part.underline}
      >
        {part.text}
      </Part>
    );
  });
}

function isPlain(part: Piece & { marked?: boolean }): boolean {
  return part.marked !== true && part.colour === null && !part.bold && !part.italic && !part.underline;
}
