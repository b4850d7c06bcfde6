import { common } from "../texts/common";
import { localTime, milliseconds, secondsSince, span, utcTime } from "../texts/format";
import { useNow } from "./now";

/** A time in the local time zone; the tooltip shows UTC. */
export function Time({ at }: { at: string }) {
  return (
    <time className="number" dateTime={at} title={utcTime(at)}>
      {localTime(at)}
    </time>
  );
}

/** Time since `at`, updated every second: `4 s ago`. */
export function Age({ at, suffix = " ago" }: { at: string; suffix?: string }) {
  const now = useNow();
  return (
    <time className="number" dateTime={at} title={`${localTime(at, now)} · ${utcTime(at)}`}>
      {span(secondsSince(at, now))}
      {suffix}
    </time>
  );
}

/** Time from `from` until `to`, or until now while `to` is null; a dash while `from` is null. */
export function Duration({ from, to }: { from: string | null; to: string | null }) {
  const now = useNow();
  if (from === null) return common.none;
  return <span className="number">{span(secondsSince(from, to === null ? now : milliseconds(to)))}</span>;
}
