import type { LogRow } from "../api/jobs";
import { localTime, utcTime } from "../texts/format";
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
    <ol className={classes.lines} aria-label={label}>
      {lines.map((line) => (
        <li key={line.log_id} className={classes.line} data-level={line.level} data-marked={line.log_id === marked}>
          <time className={classes.time} dateTime={line.timestamp} title={utcTime(line.timestamp)}>
            {localTime(line.timestamp)}
          </time>
          <span className={classes.level}>{line.level}</span>
          <span className={classes.text}>
            <SafeText text={line.message} />
          </span>
        </li>
      ))}
    </ol>
  );
}
