import { asError } from "@casare/client";
import {
  Alert,
  Autocomplete,
  Button,
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
import { useNavigate } from "@tanstack/react-router";
import { Play } from "lucide-react";
import { type FormEvent, useState } from "react";
import { submitJob, workflows } from "../../api/jobs";
import { queueList } from "../../api/queues";
import { useRobots } from "../../live/live";
import { runTexts as words } from "../../texts/jobs";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { parametersOf } from "./parameters";

const EXAMPLE = "invoices";

/** Submits a job. The parameters are prefilled from the last job of the workflow. */
export function RunJobPage() {
  const navigate = useNavigate();
  const robots = useRobots();
  const known = useQuery(workflows).data?.items ?? [];
  const queues = useQuery(queueList).data?.items.map((queue) => queue.queue) ?? ["default"];
  const [more, moreActions] = useDisclosure(false);
  const [workflow, setWorkflow] = useState("");
  const [parameters, setParameters] = useState("{}");
  const [robot, setRobot] = useState<string | null>(null);
  const [tags, setTags] = useState<string[]>([]);
  const [queue, setQueue] = useState("default");
  const [numbers, setNumbers] = useState({ priority: 5, max_attempts: 1, timeout_seconds: 3600 });
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const parsed = parametersOf(parameters);

  const choose = (name: string) => {
    setWorkflow(name);
    const last = known.find((one) => one.workflow_id === name);
    if (last === undefined) return;
    setParameters(JSON.stringify(last.last_parameters, null, 2));
    setTags(last.last_tags);
    setQueue(last.last_queue);
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (parsed === null) return;
    setBusy(true);
    setError(null);
    try {
      const body = { workflow_id: workflow.trim(), parameters: parsed, tags, queue, ...numbers };
      const job = await submitJob({ ...body, ...(robot === null ? {} : { robot_id: robot }) });
      await navigate({ to: "/jobs/$jobId", params: { jobId: job.job_id } });
    } catch (problem) {
      setError(asError(problem).message);
      setBusy(false);
    }
  };
  const number = (name: keyof typeof numbers, label: string, min: number, max: number, hint?: string) => (
    <NumberInput
      label={label}
      description={hint}
      min={min}
      max={max}
      clampBehavior="strict"
      allowDecimal={false}
      value={numbers[name]}
      onChange={(value) => setNumbers((before) => ({ ...before, [name]: Number(value) || min }))}
    />
  );

  return (
    <>
      <PageHeader title={words.title} />
      <form onSubmit={submit} style={{ maxWidth: 640 }}>
        <Stack gap="md">
          {!known.some((one) => one.workflow_id === EXAMPLE) && workflow === "" && (
            <Alert color="var(--running)" variant="light">
              <Group justify="space-between">
                <Text size="sm">{words.exampleText}</Text>
                <Button size="compact-sm" variant="default" onClick={() => choose(EXAMPLE)}>
                  {words.example}
                </Button>
              </Group>
            </Alert>
          )}
          <Panel title={words.workflow}>
            <Stack gap="md">
              <Autocomplete
                label={words.workflow}
                description={words.workflowHint}
                data={known.map((one) => one.workflow_id)}
                value={workflow}
                onChange={setWorkflow}
                onOptionSubmit={choose}
                maxLength={128}
                required
                data-autofocus
              />
              <JsonInput
                label={words.parameters}
                description={words.parametersHint}
                value={parameters}
                onChange={setParameters}
                error={parsed === null ? words.badParameters : undefined}
                classNames={{ input: "mono" }}
                autosize
                minRows={4}
                maxRows={18}
                formatOnBlur
              />
            </Stack>
          </Panel>
          <div>
            <Button variant="subtle" size="compact-sm" onClick={moreActions.toggle} aria-expanded={more}>
              {words.more}
            </Button>
          </div>
          <Collapse expanded={more}>
            <Panel title={words.more}>
              <Stack gap="md">
                <Select
                  label={words.robot}
                  placeholder={words.anyRobot}
                  data={[...robots.keys()].sort()}
                  value={robot}
                  onChange={setRobot}
                  searchable
                  clearable
                />
                <TagsInput label={words.tags} value={tags} onChange={setTags} maxTags={64} />
                <Select
                  label={words.queue}
                  data={queues}
                  value={queue}
                  onChange={(value) => setQueue(value ?? "default")}
                  allowDeselect={false}
                />
                {number("priority", words.priority, 0, 10, words.priorityHint)}
                {number("max_attempts", words.attempts, 1, 100, words.attemptsHint)}
                {number("timeout_seconds", words.timeout, 1, 604_800)}
              </Stack>
            </Panel>
          </Collapse>
          {error !== null && (
            <Text c="error" role="alert">
              {error}
            </Text>
          )}
          <Group>
            <Button
              type="submit"
              loading={busy}
              disabled={parsed === null}
              leftSection={<Play size={14} aria-hidden />}
            >
              {words.submit}
            </Button>
          </Group>
        </Stack>
      </form>
    </>
  );
}
