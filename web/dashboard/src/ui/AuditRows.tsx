import type { HttpComponents } from "@casare/client";
import classes from "./AuditRows.module.css";
import { Time } from "./Time";

interface Props {
  entries: readonly HttpComponents["schemas"]["AuditView"][];
  /** Where the lines are about several things. */
  showTarget?: boolean;
}

/** Lines of the audit trail, newest first. */
export function AuditRows({ entries, showTarget = false }: Props) {
  return (
    <ul className={classes.rows}>
      {entries.map((entry) => (
        <li key={entry.audit_id} className={classes.row}>
          <Time at={entry.at} />
          <span>
            {entry.action.replaceAll("_", " ")}
            {showTarget && <strong> {entry.target}</strong>}
          </span>
          <span className={classes.dim}>
            {entry.by}
            {entry.note === "" ? "" : ` · “${entry.note}”`}
          </span>
        </li>
      ))}
    </ul>
  );
}
