import type { Job } from "../api/jobs";
import type { Queue } from "../api/queues";
import type { Robot, RobotOrder } from "../api/robots";
import { canCancel } from "../pages/jobs/jobState";
import type { QueueOrder } from "../pages/queues/ConfirmQueueOrder";
import { palette as words } from "../texts/palette";
import { ALL_QUEUES } from "../texts/queues";
import { plain } from "../texts/safe";

/** An order of the palette; `job` is the job of the page. */
export type Order =
  | { kind: "queue"; label: string; order: QueueOrder }
  | { kind: "robot"; label: string; robot: Robot; order: RobotOrder }
  | { kind: "job"; label: string; job: Job };

const MOST_OF_A_KIND = 8;

interface Known {
  queues: readonly Queue[];
  /** Whether the pause of all queues is in force; null while that is not known. */
  allPaused: boolean | null;
  robots: readonly Robot[];
  job: Job | undefined;
}

/** The orders whose label contains `wanted` (lower case): without a text only the order about the job of the page. */
export function ordersOf({ queues, allPaused, robots, job }: Known, wanted: string): Order[] {
  const cancel: Order[] = job !== undefined && canCancel(job) ? [{ kind: "job", label: words.cancelThisJob, job }] : [];
  if (wanted === "") return cancel;
  const queueOrder = (queue: string, paused: boolean): Order => ({
    kind: "queue",
    label: (paused ? words.resumeQueue : words.pauseQueue)(queue === ALL_QUEUES ? null : queue),
    order: { queue, pause: !paused },
  });
  const ofQueues: Order[] = [
    ...queues.map(({ queue, paused }) => queueOrder(queue, paused !== null)),
    ...(allPaused === null ? [] : [queueOrder(ALL_QUEUES, allPaused)]),
  ];
  const ofRobots: Order[] = robots.map((robot) => {
    const name = plain(robot.name || robot.robot_id);
    const drained = robot.draining !== null;
    const label = drained ? words.resumeRobot(name) : words.drainRobot(name);
    return { kind: "robot", label, robot, order: drained ? "resume" : "drain" };
  });
  const matching = (orders: Order[]) =>
    orders.filter(({ label }) => label.toLowerCase().includes(wanted)).slice(0, MOST_OF_A_KIND);
  return [...matching(cancel), ...matching(ofQueues), ...matching(ofRobots)];
}
