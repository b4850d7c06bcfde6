import Play from "lucide:play";
import { parseJson, printJson } from "@casare/client";
import {
  Alert,
  Autocomplete,
  Collapse,
  Group,
  JsonInput,
  NumberInput,
  Select,
  Stack,
  TagsInput,
  Text,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import type { RunSearch } from "../../address/run";
import { useAction } from "../../api/action";
import { type Job, jobOf, type NewJob, submitJob, workflows } from "../../api/jobs";
import { queueList } from "../../api/queues";
import { robotList } from "../../api/robots";
import { jobTextsOne, runTexts as words } from "../../texts/jobs";
import { ActionError } from "../../ui/ActionError";
import { useFocus } from "../../ui/focus";
import { JobLink } from "../../ui/JobLink";
import { choicesOf, Loaded } from "../../ui/Loaded";
import { OrderButton, OrderPage, ViewButton } from "../../ui/orders";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { useRobotChoices } from "../../ui/RobotSelect";
import { Presets } from "./Presets";
import { parametersOf } from "./parameters";
import { fieldsOfPreset, hasOptions, type RunFields, suggested } from "./runForm";

const EXAMPLE = "invoices";

/** Submits a job. The form starts with the values of the address, of a job, or of the workflow's last job. */
export function RunJobPage() {
  const search = useSearch({ from: "/jobs/new" });
  const from = useQuery({ ...jobOf(search.from ?? ""), enabled: search.from !== undefined });
  return (
    <>
      <PageHeader title={words.title} aside={search.from !== undefined && <Source jobId={search.from} />} />
      <OrderPage>
        {search.from === undefined ? (
          <RunForm key={JSON.stringify(search)} search={search} />
        ) : (
          <Loaded of={from} gone={jobTextsOne.gone} lines={6}>
            {(job) => <RunForm key={JSON.stringify(search)} search={search} from={job} />}
          </Loaded>
        )}
      </OrderPage>
    </>
  );
}

function Source({ jobId }: { jobId: string }) {
  return (
    <Text c="dimmed">
      {words.startOf} <JobLink id={jobId} />
    </Text>
  );
}

function newJob(workflow: string, parameters: Record<string, unknown>, fields: RunFields): NewJob {
  const { robot, parameters: _, ...rest } = fields;
  return { workflow_id: workflow, parameters, ...rest, ...(robot === null ? {} : { robot_id: robot }) };
}

interface FormProps {
  search: RunSearch;
  from?: Job | undefined;
}

/** The fields of a new job. A field that the user did not change follows the workflow. */
export function RunForm({ search, from }: FormProps) {
  const navigate = useNavigate();
  const known = choicesOf(useQuery(workflows));
  const robots = choicesOf(useQuery(robotList));
  const queues = choicesOf(useQuery(queueList)).map((queue) => queue.queue);
  const [more, moreActions] = useDisclosure(false);
  const [workflow, setWorkflow] = useState(search.workflow ?? from?.workflow_id ?? "");
  const [changes, setChanges] = useState<Partial<RunFields>>(search.robot === undefined ? {} : { robot: search.robot });
  const focus = useFocus();
  const name = workflow.trim();
  const fields = { ...suggested(name, known, from), ...changes };
  const set = (change: Partial<RunFields>) => setChanges((before) => ({ ...before, ...change }));
  const parsed = parametersOf(fields.parameters);
  const choices = useRobotChoices();
  const ofRobot = robots.find((robot) => robot.robot_id === fields.robot)?.workflows ?? null;
  const offered = ofRobot ?? [
    ...new Set([...robots.flatMap((robot) => robot.workflows ?? []), ...known.map((one) => one.workflow_id)]),
  ];
  const hasExample = robots.some((robot) => robot.status !== "offline" && robot.workflows?.includes(EXAMPLE));
  const options = hasOptions(fields);
  const action = useAction(async (key, job: NewJob) => {
    const added = await submitJob(key, job);
    await navigate({ to: "/jobs/$jobId", params: { jobId: added.job_id } });
  });

  const job = parsed === null ? null : newJob(name, parsed, fields);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (job !== null) void action.run(job);
  };
  const number = (
    field: "priority" | "max_attempts" | "timeout_seconds",
    label: string,
    min: number,
    max: number,
    hint?: string,
  ) => (
    <NumberInput
      label={label}
      description={hint}
      min={min}
      max={max}
      clampBehavior="strict"
      allowDecimal={false}
      value={fields[field]}
      onChange={(value) => set({ [field]: Number(value) || min })}
    />
  );

  return (
    <form onSubmit={submit} style={{ maxWidth: 640 }}>
      <Stack gap="md">
        {hasExample && !known.some((one) => one.workflow_id === EXAMPLE) && workflow === "" && (
          <Alert color="var(--running)" variant="light">
            <Group justify="space-between">
              <Text size="sm">{words.exampleText}</Text>
              <ViewButton size="compact-sm" variant="default" onClick={() => setWorkflow(EXAMPLE)}>
                {words.example}
              </ViewButton>
            </Group>
          </Alert>
        )}
        <Panel title={words.workflow}>
          <Stack gap="md">
            <Autocomplete
              label={words.workflow}
              description={words.workflowHint}
              data={[...offered].sort()}
              value={workflow}
              onChange={setWorkflow}
              error={
                ofRobot !== null && name !== "" && !ofRobot.includes(name)
                  ? words.notOnRobot(fields.robot ?? "")
                  : undefined
              }
              maxLength={128}
              required
              ref={focus}
            />
            <Presets workflow={name} job={job} onChoose={(preset) => set(fieldsOfPreset(preset))} />
            <JsonInput
              label={words.parameters}
              description={words.parametersHint}
              value={fields.parameters}
              onChange={(parameters) => set({ parameters })}
              error={parsed === null ? words.badParameters : undefined}
              classNames={{ input: "mono" }}
              autosize
              minRows={4}
              maxRows={18}
              formatOnBlur
              deserialize={parseJson}
              serialize={(value: unknown) => printJson(value, 2)}
            />
          </Stack>
        </Panel>
        {!options && (
          <div>
            <ViewButton variant="subtle" size="compact-sm" onClick={moreActions.toggle} aria-expanded={more}>
              {words.more}
            </ViewButton>
          </div>
        )}
        <Collapse expanded={more || options}>
          <Panel title={words.more}>
            <Stack gap="md">
              <Select
                label={words.robot}
                placeholder={words.anyRobot}
                data={choices([
                  ...new Set([...robots.map((robot) => robot.robot_id), ...(fields.robot ? [fields.robot] : [])]),
                ])}
                value={fields.robot}
                onChange={(robot) => set({ robot })}
                searchable
                clearable
              />
              <TagsInput label={words.tags} value={fields.tags} onChange={(tags) => set({ tags })} maxTags={64} />
              <Select
                label={words.queue}
                data={[...new Set([...queues, fields.queue])]}
                value={fields.queue}
                onChange={(queue) => set({ queue: queue ?? "default" })}
                allowDeselect={false}
              />
              {number("priority", words.priority, 0, 10, words.priorityHint)}
              {number("max_attempts", words.attempts, 1, 100, words.attemptsHint)}
              {number("timeout_seconds", words.timeout, 1, 604_800)}
            </Stack>
          </Panel>
        </Collapse>
        <ActionError error={action.error} />
        <Group>
          <OrderButton
            type="submit"
            loading={action.busy}
            disabled={parsed === null}
            leftSection={<Play size={14} aria-hidden />}
          >
            {words.submit}
          </OrderButton>
        </Group>
      </Stack>
    </form>
  );
}
