import type { Robot } from "../../api/robots";
import { robotTexts as words } from "../../texts/robots";
import { Age } from "../../ui/Time";

/** Age of the last heartbeat, or of the last contact for an offline robot. */
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
