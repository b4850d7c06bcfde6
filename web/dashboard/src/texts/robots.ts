import { counted } from "./format";

export const robotTexts = {
  title: "Robots",
  add: "Add a robot",
  table: "Robots",
  views: { grid: "Grid", map: "Map", list: "List", time: "Timeline", label: "View" },
  search: "Robot or tag",
  states: "State",
  anyState: "All",
  anyTag: "Any tag",
  tagWith: (tag: string, n: number) => `${tag} (${n})`,
  map: "Robots by tag. The arrow keys move between robots.",
  untagged: "No tag",
  ofTag: (n: number, offline: number, draining: number) =>
    [
      counted(n, "robot"),
      ...(offline > 0 ? [`${offline} offline`] : []),
      ...(draining > 0 ? [`${draining} draining`] : []),
    ].join(" · "),
  cell: (name: string, state: string, job: string | null) => `${name}: ${state}${job === null ? "" : `, ${job}`}`,
  selectOne: (id: string) => `Select ${id}`,
  selectAll: "Select all shown robots",
  total: (n: number) => counted(n, "robot"),
  none: "No robots yet",
  noneText:
    "A robot is a program on a desktop or server that runs your workflows. Add one here, then run the command that is shown on the robot's machine.",
  hidden: "No robot matches the filters.",
  columns: {
    robot: "Robot",
    state: "State",
    beats: "Heartbeats, last 30 min",
    cpu: "CPU",
    memory: "Memory",
    job: "Job",
    proof: "Last contact",
  },
  lastBeat: "last heartbeat",
  never: "never connected",
  lastSeen: "last seen",
  cpuOf: (percent: number) => `CPU ${Math.round(percent)} %`,
  megabytes: (n: string) => `${n} MB`,
  memoryOf: (mb: number) => `Memory ${Math.round(mb)} MB`,
  beats: (newest: string) => `Heartbeats of the last 30 minutes, newest: ${newest}`,
  missed: (time: string) => `none for ${time}`,
  loadingBeats: "Loading heartbeats",
  noBeats: "No heartbeats yet",
} as const;

export const laneTexts = {
  lanes: "Runs of each robot over time",
  robot: "Robot",
  busy: "Busy",
  range: "Runs",
  percent: (percent: number) => (percent > 0 && percent < 1 ? "< 1 %" : `${Math.round(percent)} %`),
  tones: { running: "Running", completed: "Completed", failed: "Failed", cancelled: "Cancelled" },
  more: "Grey: not loaded. The newest 5,000 ended runs are shown; choose a shorter time.",
  lane: (runs: number, failed: number) => `${counted(runs, "run")}, ${failed} failed`,
  run: (workflow: string, robot: string, at: string, state: string) => `${workflow} on ${robot}, ${at}: ${state}`,
} as const;

export const robotTextsOne = {
  gone: "There is no robot with this id.",
  back: "All robots",
  drain: "Drain",
  drainTitle: (id: string) => `Drain ${id}?`,
  drainText:
    "The robot gets no new jobs and finishes its current ones. The drain survives restarts and lasts until the robot is resumed.",
  resume: "Resume",
  resumeTitle: (id: string) => `Resume ${id}?`,
  resumeText: "The robot gets jobs again.",
  restart: "Restart",
  restartTitle: (id: string) => `Restart ${id}?`,
  restartText:
    "The robot's process finishes its jobs and restarts. If the robot is offline, the command is kept for ten minutes.",
  drainingBy: (by: string | null) => `Draining, requested by ${by ?? "an admin"}`,
  now: "Status",
  job: "Current job",
  noJob: "None",
  lastSeen: "Last seen",
  connected: "Connected since",
  version: "Version",
  capabilities: "Workflow kinds",
  workflows: "Workflows",
  noWorkflows: "none",
  created: "Added",
  id: "Id",
  edit: "Edit",
  editTitle: (id: string) => `Edit ${id}`,
  name: "Name",
  nameHint: "Shown instead of the id. The id stays the same.",
  slotsHint: "Maximum number. Empty: the number that the robot reports, or 1.",
  save: "Save",
  delete: "Delete",
  deleteTitle: (name: string) => `Delete ${name}?`,
  deleteText: (id: string, job: string | null) =>
    `The robot ${id} and its keys are deleted, and its connections are closed. Its jobs, their history and its log lines stay. ` +
    (job === null
      ? "It runs no job now. "
      : `It runs ${job}: without the robot, the lease of this job ends after at most 90 s, then the job starts its next attempt on another robot. Without a further attempt it fails as robot lost. Drain the robot first to let the job finish. `) +
    "To use the id again, add the robot again and create a new key.",
  deleted: (name: string) => `${name} deleted`,
  noTags: "None",
  notAllowed: (tag: string) => `${tag} (not allowed)`,
  slots: "Concurrent jobs",
  ownWord: "set by the robot",
  skew: "Clock",
  skewText: (seconds: number) => `${Math.abs(Math.round(seconds))} s ${seconds > 0 ? "ahead" : "behind"}`,
  tags: "Tags",
  tagsHint: "What the robot can do. A job can require tags.",
  load: "Load",
  cpu: "CPU",
  cpuAxis: "%",
  memory: "Memory",
  memoryAxis: "MB",
  recent: "Recent jobs",
  allJobs: "All jobs of this robot",
  noJobs: "This robot has run no jobs yet.",
  keys: "Keys",
  newKey: "New key",
  newKeyText: "This key is shown only once. Configure it on the robot, then revoke the old key.",
  keyCreated: "Created",
  revoke: "Revoke",
  revokeTitle: "Revoke this key?",
  revokeText: "Connections that use this key are closed at once.",
  revoked: "Revoked",
  noKeys: "This robot has no key and cannot connect.",
  audit: "Audit log",
  noAudit: "No entries for this robot.",
} as const;

const robots = (n: number) => counted(n, "robot");

export const robotBulkTexts = {
  orders: { drain: "Drain", resume: "Resume", restart: "Restart" },
  selected: (n: number) => `${robots(n)} selected`,
  allShown: (n: number) => (n === 1 ? "The robot shown" : `All ${robots(n)} shown`),
  clear: "Clear selection",
  close: "Close",
  title: (order: "drain" | "resume" | "restart", n: number) =>
    `${{ drain: "Drain", resume: "Resume", restart: "Restart" }[order]} ${robots(n)}`,
  text: {
    drain:
      "These robots get no new jobs and finish their current ones. The drain survives restarts and lasts until they are resumed.",
    resume: "These robots get jobs again.",
    restart:
      "The process of each robot finishes its jobs and restarts. For an offline robot the command is kept for ten minutes.",
  },
  nothing: (order: "drain" | "resume" | "restart") =>
    order === "drain" ? "All of these robots are drained already." : "None of these robots is drained.",
  skipped: (order: "drain" | "resume" | "restart", n: number) =>
    `${robots(n)} ${n === 1 ? "is" : "are"} ${order === "drain" ? "drained already" : "not drained"}.`,
  done: (order: "drain" | "resume" | "restart", n: number, unchanged: number) =>
    `${robots(n)} ${{ drain: "drained", resume: "resumed", restart: "will restart" }[order]}` +
    (unchanged === 0 ? "" : `, ${unchanged} unchanged`),
  refused: (n: number, of: number) => `${n} of ${robots(of)} refused`,
  more: (n: number) => `and ${n} more`,
} as const;

export const addRobotTexts = {
  title: "Add a robot",
  robot: "New robot",
  name: "Name",
  nameHint: "Letters, digits, dots, colons, dashes and underscores",
  tags: "Tags",
  tagsHint: "Optional. What the robot can do, for example sap or excel",
  create: "Create robot",
  commandTitle: "Run this command on the robot's machine",
  commandHint: "Requires Python 3.11 or newer. The command contains the robot's key, which is shown only once.",
  unix: "Linux and macOS",
  windows: "Windows (PowerShell)",
  here: "In this source tree",
  waiting: "Waiting for the robot to connect",
  waitingText: "This page updates when the robot connects.",
  connected: (id: string) => `${id} is connected`,
  runOne: "Run a job on it",
  open: "Open the robot",
  another: "Add another",
  loopback:
    "This server listens on this machine only. To connect robots on other machines, put a proxy with TLS in front of it and set CASARE_ALLOWED_HOSTS.",
} as const;
