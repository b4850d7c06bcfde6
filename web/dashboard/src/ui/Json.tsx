import { printJson } from "@casare/client";
import { visible } from "../texts/safe";
import { CopyIcon } from "./CopyLine";
import classes from "./Json.module.css";

/** A value as indented JSON, with a button to copy it. */
export function Json({ value, label }: { value: unknown; label: string }) {
  const text = printJson(value, 2);
  return (
    <div className={classes.box}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable element must be reachable by keyboard */}
      <pre className={classes.text} tabIndex={0} role="group" aria-label={label}>
        {visible(text)}
      </pre>
      <span className={classes.copy}>
        <CopyIcon text={text} label={label} />
      </span>
    </div>
  );
}
