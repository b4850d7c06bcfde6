import { plain } from "./safe";

/** Texts of the shell and texts that several pages share. Each page has its own file in this folder. */
export const common = {
  product: "CasareRPA",
  nav: { overview: "Overview", robots: "Robots", jobs: "Jobs", logs: "Logs", queues: "Queues" },
  skip: "Skip to content",
  menu: "Menu",
  search: "Search…",
  signOut: "Sign out",
  theme: { label: "Theme", light: "Light", dark: "Dark", auto: "System" },
  keys: {
    title: "Keyboard shortcuts",
    general: "On every page",
    palette: "Open the command palette",
    help: "Show keyboard shortcuts",
    search: "Search on this page",
    down: "Next row",
    up: "Previous row",
    open: "Open the row",
    select: "Select the row",
    close: "Close or clear",
    go: (page: string) => `Go to ${page}`,
  },
  connection: {
    live: "Live",
    connecting: "Connecting",
    offline: "Not connected",
    stale: "No updates",
    banner: (why: string) => `Not connected: ${why}. This page shows the last known state.`,
    staleBanner: "Connected, but no update has arrived for 15 s. This page may be out of date.",
    retryIn: (seconds: number) => `Next attempt in ${seconds} s`,
    retrying: "Connecting",
    retryNow: "Try now",
    lost: "the connection was lost",
  },
  empty: { retry: "Try again", failed: "Loading failed" },
  copy: { copy: "Copy", copied: "Copied", failed: "The browser does not allow copying. Select the text." },
  confirm: { cancel: "Back", reason: "Reason", reasonHint: "Stored in the audit log" },
  audit: {
    reason: (text: string) => `“${plain(text)}”`,
    action: (action: string) => action.replaceAll("_", " "),
  },
  replaced: (n: number) => `(replaced ${n === 1 ? "once" : `${n} times`})`,
  range: {
    any: (what: string) => `${what}: any time`,
    recent: { "1h": "1 h", "24h": "24 h", "7d": "7 d" },
    of: (what: string, range: string) => `${what}: ${range}`,
    custom: "Custom…",
    title: (what: string) => `${what} between`,
    from: "From",
    to: "To",
    toHint: "Empty: up to now",
    zone: (name: string) => `Times are in ${name}`,
    wrong: "The end must be after the beginning",
    apply: "Apply",
  },
  clearFilters: "Clear filters",
  loading: "Loading",
  chartTime: "Time",
  none: "–",
  status: { pending: "Pending", claimed: "Claimed", running: "Running", completed: "Completed", failed: "Failed" },
  reason: {
    error: "Error",
    cancelled: "Cancelled",
    timeout: "Timed out",
    robot_lost: "Robot lost",
    rejected: "Rejected",
    expired: "Expired",
  },
  anyRobot: "Robot",
  robot: { idle: "Idle", busy: "Busy", offline: "Offline", draining: "Draining" },
} as const;

export type JobStatus = keyof typeof common.status;
export type FailureReason = keyof typeof common.reason;
/** The state that a page shows for a robot: its status, or `draining` while it is connected and drained. */
export type ShownRobotState = keyof typeof common.robot;
