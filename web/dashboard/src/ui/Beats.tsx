import type { Beat } from "../api/robots";
import { span, utcTime } from "../texts/format";
import { robotTexts } from "../texts/robots";
import { missedSeconds, SLOTS, type Slot, slotsOf } from "./beatSlots";
import { useNow } from "./now";

const BAR = 3;
const GAP = 1;
const COLORS: Record<string, string> = { idle: "var(--completed)", busy: "var(--running)", offline: "var(--offline)" };

interface Props {
  /** Oldest first; undefined before they are loaded. */
  beats: readonly Beat[] | undefined;
  height?: number;
}

/**
 * The heartbeats of the last 30 minutes by time, now on the right. The height is the CPU load, the colour the status. An
 * outage is a gap with a line at the bottom.
 */
export function Beats({ beats, height = 22 }: Props) {
  const now = useNow();
  const slots = slotsOf(beats ?? [], now);
  const missed = missedSeconds(slots);
  const newest = beats?.at(-1);
  const parts = [
    newest === undefined ? robotTexts.noBeats : robotTexts.beats(utcTime(newest.at)),
    ...(missed > 0 ? [robotTexts.missed(span(missed))] : []),
  ];
  return (
    <svg
      viewBox={`0 0 ${SLOTS * (BAR + GAP)} ${height}`}
      width="100%"
      height={height}
      preserveAspectRatio="none"
      role="img"
      aria-label={beats === undefined ? robotTexts.loadingBeats : parts.join(", ")}
      style={{ display: "block", maxWidth: 300 }}
    >
      {slots.map((slot, index) => (
        <rect key={index} x={index * (BAR + GAP)} width={BAR} {...shape(slot, height)} />
      ))}
    </svg>
  );
}

function shape(slot: Slot, height: number) {
  if (slot === "unknown") return { y: height - 2, height: 2, fill: "var(--line)" };
  if (slot === "missed") return { y: height - 3, height: 3, fill: "var(--failed)" };
  const high = 5 + (Math.min(slot.cpu_percent, 100) / 100) * (height - 5);
  return { y: height - high, height: high, rx: 0.5, fill: COLORS[slot.status] ?? "var(--offline)" };
}
