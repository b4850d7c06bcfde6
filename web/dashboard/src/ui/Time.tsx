import { localTime, secondsSince, span, utcTime } from "./format";
import { useNow } from "./now";

/** A moment in local time; the hover says UTC. */
export function Time({ at }: { at: string }) {
  return (
    <time className="number" dateTime={at} title={utcTime(at)}>
      {localTime(at)}
    </time>
  );
}

/** How long ago, counting on: `4 s`. `suffix` follows it: ` ago`. */
export function Age({ at, suffix = " ago" }: { at: string; suffix?: string }) {
  const now = useNow();
  return (
    <time className="number" dateTime={at} title={`${localTime(at, now)} · ${utcTime(at)}`}>
      {span(secondsSince(at, now))}
      {suffix}
    </time>
  );
}
