export const palette = {
  placeholder: "Page, action, robot, workflow or job id",
  nothing: "No results",
  runJob: "Run a job",
  addRobot: "Add a robot",
  robot: "Robot",
  job: "Job",
  workflow: "Workflow",
  theme: (name: string) => `Theme: ${name}`,
} as const;
