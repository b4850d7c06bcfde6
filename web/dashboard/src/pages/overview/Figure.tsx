import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { JobSearch } from "../../address/jobs";
import { count } from "../../texts/format";
import classes from "./overview.module.css";

/** A number of jobs that links to the filtered job list. */
export function Figure({
  label,
  value,
  to,
  tone,
  children,
}: {
  label: string;
  value: number;
  to: JobSearch;
  tone?: "running" | "completed" | "failed";
  children?: ReactNode;
}) {
  return (
    <div className={classes.figure}>
      <Link to="/jobs" search={to} className={classes.cover}>
        <span className={classes.label}>{label}</span>
        <span className={classes.value} data-tone={value > 0 ? tone : undefined}>
          {count(value)}
        </span>
      </Link>
      <span className={classes.note}>{children}</span>
    </div>
  );
}
