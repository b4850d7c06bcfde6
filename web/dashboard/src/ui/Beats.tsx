import type { Beat } from "../api/robots";
import { utcTime } from "../texts/format";
import { robotTexts } from "../texts/robots";

const SLOTS = 60;
const BAR = 3;
const GAP = 1;
const COLORS: Record<string, string> = { idle: "var(--completed)", busy: "var(--running)", offline: "var(--offline)" };

/** The last 60 heartbeats as bars, newest on the right. The height is the CPU load, the colour the status. */
export function Beats({ beats, height = 22 }: { beats: readonly Beat[]; height?: number }) {
  const shown = beats.slice(-SLOTS);
  const first = SLOTS - shown.length;
  const newest = shown.at(-1);
  const label = newest === undefined ? robotTexts.noBeats : robotTexts.beats(shown.length, utcTime(newest.at));
  return (
    <svg
      viewBox={`0 0 ${SLOTS * (BAR + GAP)} ${height}`}
      width="100%"
      height={height}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
      style={{ display: "block", maxWidth: 300 }}
    >
      {Array.from({ length: first }, (_, slot) => (
        <rect key={slot} x={slot * (BAR + GAP)} y={height - 3} width={BAR} height={3} fill="var(--line)" />
      ))}
      {shown.map((beat, index) => {
        const high = 5 + (Math.min(beat.cpu_percent, 100) / 100) * (height - 5);
        return (
          <rect
            key={beat.at}
            x={(first + index) * (BAR + GAP)}
            y={height - high}
            width={BAR}
            height={high}
            rx={0.5}
            fill={COLORS[beat.status] ?? "var(--offline)"}
          />
        );
      })}
    </svg>
  );
}
