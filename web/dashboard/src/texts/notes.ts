/** A layout that a version changed. A page offers the earlier one. */
export type ChangedLayout = "jobPage";

/** What a version of the dashboard changed, for its users. */
export interface Note {
  version: string;
  /** One to five lines. */
  lines: readonly string[];
  layout?: ChangedLayout;
}

/** The newest version is the first. */
export const NOTES: readonly Note[] = [
  {
    version: "0.1.0",
    lines: [
      "The job page begins with the state, the cause and the log. A wide page has the values of the job beside the log.",
      "Each workflow has a page with its last runs, their durations and its failures.",
      "Failures are grouped by cause, with an owner and a note, and are compared with the last good run.",
      "Figures, charts, lists and logs have a time range.",
      "The timeline of the robots shows what each robot ran.",
    ],
    layout: "jobPage",
  },
];
