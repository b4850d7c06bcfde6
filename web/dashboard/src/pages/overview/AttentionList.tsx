import { Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Attention } from "../../api/overview";
import { overviewTexts as words } from "../../texts/overview";
import { Panel } from "../../ui/Panel";
import { Age } from "../../ui/Time";
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
export function AttentionList({ items }: { items: readonly Attention[] }) {
  return (
    <Panel title={words.attention} tone={items.some((item) => URGENT.has(item.kind)) ? "failed" : undefined} flush>
      {items.length === 0 ? (
        <Text c="dimmed" p="md">
          {words.calm}
        </Text>
      ) : (
        <ul className={classes.rows}>
          {items.map((item) => (
            <li key={`${item.kind} ${item.target}`} className={classes.row}>
              <span className={classes.kind}>{words.kinds[item.kind]}</span>
              <Target item={item} />
              <span className={classes.age}>
                <Age at={item.at} suffix="" />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
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
