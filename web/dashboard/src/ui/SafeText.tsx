import { memo } from "react";
import { common } from "../texts/common";
import { overwrites, pieces, visible } from "../texts/safe";
import classes from "./SafeText.module.css";

/** A text of a robot or user, with its colours. Characters that hide or reorder text are shown as escapes. */
export const SafeText = memo(function SafeText({ text }: { text: string }) {
  const replaced = overwrites(text);
  if (replaced === 0) return <Parts text={text} />;
  return (
    <>
      <Parts text={text} />
      <span className={classes.replaced} title={visible(text.replaceAll("\r", "\n"))}>
        {" "}
        {common.replaced(replaced)}
      </span>
    </>
  );
});

function Parts({ text }: { text: string }) {
  const parts = pieces(text);
  const [only] = parts;
  if (parts.length === 1 && only !== undefined && isPlain(only)) return only.text;
  return parts.map((part, index) => (
    <span
      key={index}
      className={classes.part}
      data-colour={part.colour}
      data-bold={part.bold}
      data-italic={part.italic}
      data-underline={part.underline}
    >
      {part.text}
    </span>
  ));
}

function isPlain(part: { colour: string | null; bold: boolean; italic: boolean; underline: boolean }): boolean {
  return part.colour === null && !part.bold && !part.italic && !part.underline;
}
