import { Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { JobSearch } from "../../address/jobs";
import type { Attention, Overview } from "../../api/overview";
import { count } from "../../texts/format";
import { overviewTexts as words } from "../../texts/overview";
import { Panel } from "../../ui/Panel";
import { useRowKeys } from "../../ui/rows";
import { Age } from "../../ui/Time";
import { grouped } from "./attention";
import classes from "./overview.module.css";

const URGENT = new Set([
  "cancel_unconfirmed",
  "contact_lost",
  "robot_taken_over",
  "duplicate_identity",
  "robot_offline",
]);
const OF_ROBOTS = new Set(["robot_offline", "clock_skew", "robot_taken_over", "duplicate_identity"]);

/** Problems that need an action, most urgent first. Each row links to the job, robot or queue. */
export function AttentionList({ overview }: { overview: Overview }) {
  const items = overview.attention;
  const rows = useRowKeys<HTMLUListElement>();
  return (
    <Panel title={words.attention} tone={items.some((item) => URGENT.has(item.kind)) ? "failed" : undefined} flush>
      {items.length === 0 ? (
        <Text c="dimmed" p="md">
          {words.calm}
        </Text>
      ) : (
        <ul className={classes.rows} ref={rows}>
          {grouped(items).map(({ kind, items: equal, at }) => (
            <li key={`${kind} ${equal[0].target}`} className={classes.row} data-urgent={URGENT.has(kind)}>
              <span className={classes.kind}>{words.kinds[kind]}</span>
              <span data-main>
                {equal.length === 1 ? (
                  <Target item={equal[0]} />
                ) : (
                  <Many kind={kind} number={numberOf(kind, equal.length, overview)} />
                )}
              </span>
              <span className={classes.age} title={equal.length === 1 ? undefined : words.sinceTogether}>
                <Age at={at} suffix="" />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

/** The server lists at most this many problems. */
const MOST_LISTED = 50;

function numberOf(kind: Attention["kind"], listed: number, overview: Overview): string {
  if (kind === "robot_offline") return count(Math.max(listed, overview.robots.offline));
  return overview.attention.length < MOST_LISTED ? count(listed) : `${count(listed)}+`;
}

const LISTS: Partial<Record<Attention["kind"], JobSearch>> = {
  cancel_unconfirmed: { status: "failed", reason: "cancelled" },
  contact_lost: { status: "running" },
  job_silent: { status: "running" },
  no_robot: { status: "pending" },
};

/** Many equal problems, with a link to the list that has them. */
function Many({ kind, number }: { kind: Attention["kind"]; number: string }) {
  const text = words.many[kind](number);
  const jobs = LISTS[kind];
  if (jobs !== undefined) {
    return (
      <Link to="/jobs" search={jobs} className="link">
        {text}
      </Link>
    );
  }
  if (kind === "queue_paused") {
    return (
      <Link to="/queues" className="link">
        {text}
      </Link>
    );
  }
  return (
    <Link to="/robots" search={kind === "robot_offline" ? { state: "offline" } : {}} className="link">
      {text}
    </Link>
  );
}

function Target({ item }: { item: Attention }) {
  const { kind, target, message } = item;
  if (kind === "queue_paused") {
    return (
      <Link to="/queues" className="link">
        {message}
      </Link>
    );
  }
  if (OF_ROBOTS.has(kind)) {
    return (
      <Link to="/robots/$robotId" params={{ robotId: target }} className="link">
        {message}
      </Link>
    );
  }
  return (
    <Link to="/jobs/$jobId" params={{ jobId: target }} className="link">
      {message}
    </Link>
  );
}
