import {
  Ban,
  Check,
  CircleDashed,
  CircleDot,
  Clock,
  Hand,
  LoaderCircle,
  Pause,
  Power,
  TriangleAlert,
  X,
} from "lucide-react";
import type { ComponentType } from "react";
import { common } from "../texts/common";
import classes from "./StatusBadge.module.css";

export type JobStatus = keyof typeof common.status;
export type FailureReason = keyof typeof common.reason;
export type RobotState = keyof typeof common.robot;

type Icon = ComponentType<{ size?: number; "aria-hidden"?: boolean }>;
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

const ROBOT: Record<RobotState, { tone: Tone; icon: Icon }> = {
  idle: { tone: "completed", icon: CircleDot },
  busy: { tone: "running", icon: LoaderCircle },
  offline: { tone: "offline", icon: CircleDashed },
  draining: { tone: "pending", icon: Pause },
};

/** Icon, word and colour; none of the three carries the state alone. `strength` 0…1 fades the colour as proof ages. */
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

/** A job's status as people say it: a failed job that was cancelled is `Cancelled`, not red. */
export function JobBadge({ status, reason }: { status: JobStatus; reason?: string | null | undefined }) {
  const known = status === "failed" && reason != null && reason in REASON ? (reason as FailureReason) : null;
  if (known === null) return <Badge {...JOB[status]} text={common.status[status]} />;
  const tone = known === "cancelled" ? "offline" : "failed";
  return <Badge tone={tone} icon={REASON[known]} text={common.reason[known]} />;
}

export function RobotBadge({ state, strength }: { state: RobotState; strength?: number }) {
  return <Badge {...ROBOT[state]} text={common.robot[state]} {...(strength === undefined ? {} : { strength })} />;
}
