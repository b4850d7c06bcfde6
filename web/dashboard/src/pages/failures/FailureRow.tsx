import Sparkles from "lucide:sparkles";
import { Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import type { JobSearch } from "../../address/jobs";
import type { TimeRange } from "../../address/range";
import type { FailureGroup, FailureGroups } from "../../api/overview";
import { failureTexts as words } from "../../texts/failures";
import { count, localTime, span } from "../../texts/format";
import { plain } from "../../texts/safe";
import { Loading } from "../../ui/Loaded";
import { OrderButton, ViewButton } from "../../ui/orders";
import { Badge } from "../../ui/StatusBadge";
import { Age, Time } from "../../ui/Time";
import { WorkflowLink } from "../../ui/WorkflowLink";
import classes from "./FailuresPage.module.css";

const ROBOTS = 3;
const Comparison = lazy(() =>
  import("../jobs/RunComparison").then((module) => ({ default: module.ComparedWithGoodRun })),
);

export type Asked = "note" | "mute" | "unmute" | "retry";

/** The jobs of a group in a range: what its count counts, and what a retry affects. */
export const jobsOf = ({ fingerprint, tenant_id }: FailureGroup, range: TimeRange): JobSearch => ({
  fingerprint,
  tenant: tenant_id,
  ended: range,
});

interface Props {
  group: FailureGroup;
  /** The list that the group is part of. */
  list: FailureGroups;
  range: TimeRange;
  onAsk: (asked: Asked) => void;
}

/** One group of failures: how many, the error, where and when, note and owner, trend, and what can be done. */
export function FailureRow({ group, list, range, onAsk }: Props) {
  const number = count(group.count);
  const muted = group.muted !== null;
  const [compared, setCompared] = useState(false);
  return (
    <li className={classes.row}>
      <Link to="/jobs" search={jobsOf(group, range)} className={classes.count} aria-label={words.showAll(number)}>
        {words.times(number)}
      </Link>
      <div style={{ minWidth: 0 }}>
        <Link to="/jobs/$jobId" params={{ jobId: group.last_job_id }} className={classes.message} data-main>
          {plain(group.message)}
        </Link>{" "}
        {group.is_new && (
          <span title={words.newHint}>
            <Badge tone="pending" icon={Sparkles} text={words.isNew} />
          </span>
        )}
        <Text size="xs" c="dimmed" component="div">
          <WorkflowLink id={group.workflow_id} /> · {words.first} <Age at={group.first_at} /> · {words.last}{" "}
          <Age at={group.last_at} />
          <Robots group={group} />
        </Text>
        {group.muted !== null && (
          <Text size="xs" component="div">
            {words.mutedBy(plain(group.muted.by))}{" "}
            {group.muted.until === null ? (
              words.until.unmuted
            ) : (
              <>
                {words.mutedUntil} <Time at={group.muted.until} />
              </>
            )}
          </Text>
        )}
        {(group.note !== "" || group.owner !== "") && (
          <Text size="sm" component="div" className={classes.note}>
            {group.owner !== "" && <strong>{plain(group.owner)}</strong>} {plain(group.note)}
          </Text>
        )}
      </div>
      <Trend group={group} list={list} />
      <div className={classes.orders}>
        <ViewButton
          size="compact-sm"
          variant="default"
          title={words.compareHint}
          aria-expanded={compared}
          onClick={() => setCompared(!compared)}
        >
          {words.compare}
        </ViewButton>
        <OrderButton size="compact-sm" variant="default" onClick={() => onAsk("note")}>
          {words.edit}
        </OrderButton>
        <OrderButton size="compact-sm" variant="default" onClick={() => onAsk(muted ? "unmute" : "mute")}>
          {muted ? words.unmute : words.mute}
        </OrderButton>
        <OrderButton size="compact-sm" variant="default" onClick={() => onAsk("retry")}>
          {words.retry}
        </OrderButton>
      </div>
      {compared && (
        <section className={classes.comparison} aria-label={words.comparison}>
          <Suspense fallback={<Loading />}>
            <Comparison jobId={group.last_job_id} />
          </Suspense>
        </section>
      )}
    </li>
  );
}

function Robots({ group }: { group: FailureGroup }) {
  const shown = group.robots.slice(0, ROBOTS);
  if (shown.length === 0) return null;
  return (
    <>
      {` · ${words.on} `}
      {shown.map(({ robot_id: robotId, count: number }, index) => (
        <span key={robotId}>
          {index > 0 && ", "}
          <Link to="/robots/$robotId" params={{ robotId }} className="link" title={words.times(count(number))}>
            {robotId}
          </Link>
        </span>
      ))}
      {group.robot_count > shown.length && ` ${words.moreRobots(group.robot_count - shown.length)}`}
    </>
  );
}

/** Small bars: failures of the group over time. */
function Trend({ group, list }: { group: FailureGroup; list: FailureGroups }) {
  const most = Math.max(1, ...group.trend);
  const begin = Date.parse(list.bars_from);
  const bars = group.trend.map((number, index) => ({ number, at: begin + index * list.bar_seconds * 1000 }));
  return (
    <div className={classes.trend} role="img" aria-label={words.trend(group.trend, span(list.bar_seconds))}>
      {bars.map(({ number, at }) => (
        <span
          key={at}
          className={classes.bar}
          style={{ height: number === 0 ? 0 : `${Math.max(10, Math.round((100 * number) / most))}%` }}
          title={words.oneBar(count(number), localTime(at))}
        />
      ))}
    </div>
  );
}
