export const palette = {
  placeholder: "Page, action, robot or job id",
  nothing: "No results",
  runJob: "Run a job",
  addRobot: "Add a robot",
  robot: "Robot",
  job: "Job",
} as const;
