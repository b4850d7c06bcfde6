import type { HttpComponents } from "@casare/client";
import { Link } from "@tanstack/react-router";
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

/** Actions whose target is a robot, a job, or a queue. */
const OF_ROBOTS = /_(robot|key)$/;
const OF_JOBS = /_job$/;
const OF_QUEUES = /_queue$/;

/** The target of an entry, as a link to it, or to all its entries if it has no page. */
function Target({ action, target }: { action: string; target: string }) {
  if (OF_ROBOTS.test(action)) return <RobotLink id={target} />;
  const text = plain(target);
  if (OF_JOBS.test(action)) {
    return (
      <Link to="/jobs/$jobId" params={{ jobId: target }} className="link">
        {text}
      </Link>
    );
  }
  const to = OF_QUEUES.test(action) ? ({ to: "/queues" } as const) : ({ to: "/audit", search: { target } } as const);
  return (
    <Link {...to} className="link">
      {text}
    </Link>
  );
}

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
              <strong data-main>
                {" "}
                <Target action={entry.action} target={entry.target} />
              </strong>
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
