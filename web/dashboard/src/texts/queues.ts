/** The name that stands for all queues. */
export const ALL_QUEUES = "*";

const named = (queue: string) => (queue === ALL_QUEUES ? "all queues" : queue);

export const queueTexts = {
  title: "Queues",
  add: "Add a queue",
  name: "Name",
  create: "Create queue",
  pending: (n: number) => (n === 1 ? "job pending" : "jobs pending"),
  paused: "Paused",
  pause: "Pause",
  resume: "Resume",
  pauseAll: "Pause all",
  resumeAll: "Resume all",
  pauseTitle: (queue: string) => `Pause ${named(queue)}?`,
  pauseText:
    "No more jobs are assigned. Running jobs continue. The pause survives restarts and lasts until the queue is resumed.",
  resumeTitle: (queue: string) => `Resume ${named(queue)}?`,
  resumeText: "Pending jobs are assigned again.",
  allPaused: "All queues are paused",
  by: (who: string | null) => `by ${who ?? "an admin"}`,
  time: "Time",
  depth: "Jobs pending",
  wait: "Longest wait",
  noHistory: "One sample is taken per minute. The chart appears after two samples.",
  audit: "Audit log",
  noAudit: "No queue has been paused or resumed yet.",
} as const;
