import Link2 from "lucide:link-2";
import ListTree from "lucide:list-tree";
import { Link, useNavigate } from "@tanstack/react-router";
import { type MouseEvent, memo } from "react";
import { contextOf, type LogSearch } from "../../address/logs";
import type { LogRow } from "../../api/jobs";
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
  /** Text that is marked. */
  text: string | undefined;
  /** The filters that hide other lines; undefined when none are hidden. */
  filtered: LogSearch | undefined;
  onLink: (line: number) => void;
}

export const LogEntry = memo(function LogEntry({ entry, linked, showRobot, text, filtered, onLink }: Props) {
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
      <span className={classes.links}>
        <button
          type="button"
          className={classes.link}
          onClick={() => onLink(row.log_id)}
          aria-label={words.copyLink(row.log_id)}
          title={words.copyLink(row.log_id)}
          tabIndex={-1}
        >
          <Link2 size={12} aria-hidden />
        </button>
        {filtered !== undefined && <ContextLink row={row} search={filtered} />}
      </span>
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
        <SafeText text={row.message} marked={text} />
      </span>
    </div>
  );
});

/** A link to the lines around a line of a filtered log. The way back leads to the line in the filtered log. */
function ContextLink({ row, search }: { row: LogRow; search: LogSearch }) {
  const navigate = useNavigate();
  const to = contextOf(search, row);
  const open = async (event: MouseEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    await navigate({ to: "/logs", search: { ...search, line: row.log_id }, replace: true });
    await navigate({ to: "/logs", search: to });
  };
  return (
    <Link
      to="/logs"
      search={to}
      className={classes.link}
      onClick={(event) => void open(event)}
      aria-label={words.showContext(row.log_id)}
      title={words.showContext(row.log_id)}
      tabIndex={-1}
      preload={false}
    >
      <ListTree size={12} aria-hidden />
    </Link>
  );
}
