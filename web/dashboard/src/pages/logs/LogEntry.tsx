import { Link2 } from "lucide-react";
import { memo } from "react";
import { localTime, utcTime } from "../../texts/format";
import { logTexts as words } from "../../texts/logs";
import { plain } from "../../texts/safe";
import { RobotName } from "../../ui/RobotLink";
import { SafeText } from "../../ui/SafeText";
import type { Entry } from "./LogBuffer";
import classes from "./LogViewer.module.css";

interface Props {
  entry: Entry;
  linked: boolean;
  showRobot: boolean;
  onLink: (line: number) => void;
}

export const LogEntry = memo(function LogEntry({ entry, linked, showRobot, onLink }: Props) {
  if (entry.kind === "gap") {
    return <div className={classes.gap}>{entry.byRobot ? words.robotGap(entry.count) : words.gap(entry.count)}</div>;
  }
  const { row } = entry;
  return (
    <div
      className={classes.line}
      data-line={row.log_id}
      data-level={row.level}
      data-linked={linked}
      id={`L${row.log_id}`}
    >
      <button
        type="button"
        className={classes.link}
        onClick={() => onLink(row.log_id)}
        aria-label={words.copyLink(row.log_id)}
        tabIndex={-1}
      >
        <Link2 size={12} aria-hidden />
      </button>
      <time dateTime={row.timestamp} title={utcTime(row.timestamp)} className={classes.time}>
        {localTime(row.timestamp)}
      </time>
      <span className={classes.level}>{row.level}</span>
      {showRobot && (
        <span className={classes.robot}>
          <RobotName id={row.robot_id} />
        </span>
      )}
      <span className={classes.text} data-message title={row.truncated ? words.truncated : undefined}>
        {row.node_id !== null && <span className={classes.node}>{plain(row.node_id)} </span>}
        <SafeText text={row.message} />
      </span>
    </div>
  );
});
