import type { HttpComponents } from "@casare/client";
import { common } from "../texts/common";
import { plain } from "../texts/safe";
import classes from "./AuditRows.module.css";
import { RobotLink } from "./RobotLink";
import { Time } from "./Time";

interface Props {
  entries: readonly HttpComponents["schemas"]["AuditView"][];
  /** Set when the entries have different targets. */
  showTarget?: boolean;
}

/** Actions whose target is a robot. */
const OF_ROBOTS = /_(robot|key)$/;

/** Entries of the audit log, newest first. */
export function AuditRows({ entries, showTarget = false }: Props) {
  return (
    <ul className={classes.rows}>
      {entries.map((entry) => (
        <li key={entry.audit_id} className={classes.row}>
          <Time at={entry.at} />
          <span>
            {common.audit.action(entry.action)}
            {showTarget && (
              <strong> {OF_ROBOTS.test(entry.action) ? <RobotLink id={entry.target} /> : plain(entry.target)}</strong>
            )}
          </span>
          <span className={classes.dim}>
            {plain(entry.by)}
            {entry.note === "" ? "" : ` · ${common.audit.reason(entry.note)}`}
          </span>
        </li>
      ))}
    </ul>
  );
}
