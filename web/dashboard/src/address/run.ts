/** What the run form starts with, as the page address has it: `/jobs/new?workflow=invoices&robot=desk-1`. */
export interface RunSearch {
  workflow?: string;
  robot?: string;
  /** Id of a job with whose values the form starts. */
  from?: string;
}

/** Reads the known parameters from an address; unknown names and values are ignored. */
export function searchOfRun(given: Record<string, unknown>): RunSearch {
  const search: RunSearch = {};
  for (const name of ["workflow", "robot", "from"] as const) {
    const value = given[name];
    if (typeof value === "string" && value !== "") search[name] = value;
  }
  return search;
}
