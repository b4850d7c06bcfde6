import { counted } from "./format";

export const logTexts = {
  title: "Logs",
  ofJob: "Log of",
  search: "Text in the line",
  level: "Level",
  levels: { DEBUG: "Debug and above", INFO: "Info and above", WARNING: "Warnings and errors", ERROR: "Errors only" },
  job: "Job id",
  node: "Node",
  wrap: "Wrap",
  follow: "Follow",
  toTop: "To the first line",
  download: "Download",
  downloadAll: "Download all",
  fileName: "casare.log",
  table: "Log lines, oldest first",
  newLines: (n: string) => `${n} new lines`,
  newLine: "1 new line",
  loadingOlder: "Loading older lines",
  beginning: "Beginning of the log",
  loaded: (n: number) => counted(n, "line"),
  gap: (n: number) =>
    `${counted(n, "line")} missing here: this page was disconnected or did not read fast enough. Reload to see ${n === 1 ? "it" : "them"}.`,
  robotGap: (n: number) =>
    `${counted(n, "line")} missing here: the robot dropped ${n === 1 ? "it" : "them"} before sending`,
  empty: "No log lines yet",
  emptyText: "Lines appear here when robots send them.",
  hidden: "No line matches the filters",
  hiddenText: "All stored lines were searched. New matching lines appear here.",
  scanned: "Search older lines",
  truncated: "The middle of this line was cut out",
  copyLink: (id: number) => `Link to line ${id}`,
} as const;
