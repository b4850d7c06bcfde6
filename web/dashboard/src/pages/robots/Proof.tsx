import type { Robot } from "../../api/robots";
import { robotTexts as words } from "../../texts/robots";
import { Age } from "../../ui/Time";

/** What a state rests on: `last beat 4 s ago`. */
export function Proof({ robot }: { robot: Robot }) {
  if (robot.last_heartbeat_at !== null && robot.status !== "offline") {
    return (
      <>
        {words.lastBeat} <Age at={robot.last_heartbeat_at} />
      </>
    );
  }
  const seen = robot.last_seen_at ?? robot.last_heartbeat_at;
  if (seen === null) return words.never;
  return (
    <>
      {words.lastSeen} <Age at={seen} />
    </>
  );
}
