import type { LogRow } from "../api/jobs";
import { localTime, utcTime } from "../texts/format";
import { copyLines } from "./copiedLines";
import classes from "./LogLines.module.css";
import { SafeText } from "./SafeText";

/** A few log lines, oldest first; the line with the `log_id` `marked` is highlighted. */
export function LogLines({
  lines,
  label,
  marked,
}: {
  lines: readonly LogRow[];
  label: string;
  marked?: number | undefined;
}) {
  return (
    <ol
      className={classes.lines}
      aria-label={label}
      onCopy={(event) => copyLines(event, (first, last) => lines.filter(({ log_id: id }) => first <= id && id <= last))}
    >
      {lines.map((line) => (
        <li
          key={line.log_id}
          className={classes.line}
          data-line={line.log_id}
          data-level={line.level}
          data-marked={line.log_id === marked}
        >
          <time className={classes.time} dateTime={line.timestamp} title={utcTime(line.timestamp)}>
            {localTime(line.timestamp)}
          </time>
          <span className={classes.level}>{line.level}</span>
          <span className={classes.text} data-message>
            <SafeText text={line.message} />
          </span>
        </li>
      ))}
    </ol>
  );
}
