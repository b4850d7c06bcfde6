import { printJson } from "@casare/client";
import type { Job, Workflow } from "../../api/jobs";
import type { Preset } from "../../api/presets";

/** The fields of the run form besides the workflow. */
export interface RunFields {
  parameters: string;
  robot: string | null;
  tags: string[];
  queue: string;
  priority: number;
  max_attempts: number;
  timeout_seconds: number;
}

export const DEFAULTS: RunFields = {
  parameters: "{}",
  robot: null,
  tags: [],
  queue: "default",
  priority: 5,
  max_attempts: 1,
  timeout_seconds: 3600,
};

/** The fields in the section "More options". */
const OPTIONS = ["robot", "tags", "queue", "priority", "max_attempts", "timeout_seconds"] as const;

/** The fields of a job, to run it again. */
export function fieldsOf(job: Job): RunFields {
  return {
    parameters: printJson(job.parameters, 2),
    robot: job.target_robot_id,
    tags: job.tags,
    queue: job.queue,
    priority: job.priority,
    max_attempts: job.max_attempts,
    timeout_seconds: job.timeout_seconds,
  };
}

/** The fields of a preset. */
export function fieldsOfPreset({ job }: Preset): RunFields {
  return {
    parameters: printJson(job.parameters ?? {}, 2),
    robot: job.robot_id ?? null,
    tags: job.tags ?? DEFAULTS.tags,
    queue: job.queue ?? DEFAULTS.queue,
    priority: job.priority ?? DEFAULTS.priority,
    max_attempts: job.max_attempts ?? DEFAULTS.max_attempts,
    timeout_seconds: job.timeout_seconds ?? DEFAULTS.timeout_seconds,
  };
}

/** The fields for a workflow: those of `from` or of its last job, else the defaults. */
export function suggested(workflow: string, known: readonly Workflow[], from: Job | undefined): RunFields {
  if (from?.workflow_id === workflow) return fieldsOf(from);
  const last = known.find((one) => one.workflow_id === workflow);
  if (last === undefined) return DEFAULTS;
  const { last_parameters, last_tags, last_queue } = last;
  return { ...DEFAULTS, parameters: printJson(last_parameters, 2), tags: last_tags, queue: last_queue };
}

/** Whether an option differs from its default. Such an option is always shown. */
export function hasOptions(fields: RunFields): boolean {
  return OPTIONS.some((name) => String(fields[name] ?? "") !== String(DEFAULTS[name] ?? ""));
}
