import Ban from "lucide:ban";
import Check from "lucide:check";
import CircleDashed from "lucide:circle-dashed";
import CircleDot from "lucide:circle-dot";
import Clock from "lucide:clock";
import Hand from "lucide:hand";
import LoaderCircle from "lucide:loader-circle";
import Pause from "lucide:pause";
import Power from "lucide:power";
import TriangleAlert from "lucide:triangle-alert";
import X from "lucide:x";
import { common, type FailureReason, type JobStatus, type ShownRobotState } from "../texts/common";
import type { Icon } from "./icon";
import classes from "./StatusBadge.module.css";

type Tone = "running" | "completed" | "failed" | "pending" | "offline";

const JOB: Record<JobStatus, { tone: Tone; icon: Icon }> = {
  pending: { tone: "pending", icon: Clock },
  claimed: { tone: "running", icon: Hand },
  running: { tone: "running", icon: LoaderCircle },
  completed: { tone: "completed", icon: Check },
  failed: { tone: "failed", icon: X },
};

const REASON: Record<FailureReason, Icon> = {
  error: X,
  cancelled: Ban,
  timeout: Clock,
  robot_lost: Power,
  rejected: TriangleAlert,
  expired: Clock,
};

const ROBOT: Record<ShownRobotState, { tone: Tone; icon: Icon }> = {
  idle: { tone: "completed", icon: CircleDot },
  busy: { tone: "running", icon: LoaderCircle },
  offline: { tone: "failed", icon: CircleDashed },
  draining: { tone: "pending", icon: Pause },
};

/** A state as icon, text and colour, so that it is readable without colours.
 *
 * `strength` from 0 to 1 fades the colour as the last heartbeat gets older.
 */
export function Badge({
  tone,
  icon: Sign,
  text,
  strength = 1,
}: {
  tone: Tone;
  icon: Icon;
  text: string;
  strength?: number;
}) {
  return (
    <span className={classes.badge} data-tone={strength > 0 ? tone : "offline"} style={{ "--strength": strength }}>
      <Sign size={12} aria-hidden />
      {text}
    </span>
  );
}

/** The status of a job, or the reason of its failure. A cancelled job is shown as `Cancelled` in grey, not as failed. */
export function JobBadge({ status, reason }: { status: JobStatus; reason?: string | null | undefined }) {
  const known = status === "failed" && reason != null && reason in REASON ? (reason as FailureReason) : null;
  if (known === null) return <Badge {...JOB[status]} text={common.status[status]} />;
  const tone = known === "cancelled" ? "offline" : "failed";
  return <Badge tone={tone} icon={REASON[known]} text={common.reason[known]} />;
}

export function RobotBadge({ state, strength }: { state: ShownRobotState; strength?: number }) {
  return <Badge {...ROBOT[state]} text={common.robot[state]} {...(strength === undefined ? {} : { strength })} />;
}
