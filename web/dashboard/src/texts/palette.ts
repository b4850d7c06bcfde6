export const palette = {
  placeholder: "Page, action, robot or job id",
  nothing: "Nothing found",
  runJob: "Run a job",
  addRobot: "Add a robot",
  robot: "Robot",
  job: "Job",
} as const;
