import Save from "lucide:save";
import Trash2 from "lucide:trash-2";
import { Group, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useAction } from "../../api/action";
import { deletePreset, type NewPreset, type Preset, presetsOf, savePreset } from "../../api/presets";
import { reload } from "../../api/queries";
import { presetTexts as words } from "../../texts/jobs";
import { plain } from "../../texts/safe";
import { ActionError } from "../../ui/ActionError";
import { Confirm } from "../../ui/Confirm";
import { choicesOf } from "../../ui/Loaded";
import { OrderButton } from "../../ui/orders";

interface Props {
  workflow: string;
  /** The job of the form; null while the form is not valid. */
  job: Omit<NewPreset, "name"> | null;
  onChoose: (preset: Preset) => void;
}

/** Chooses, saves and deletes presets of the workflow of the run form. */
export function Presets({ workflow, job, onChoose }: Props) {
  const found = useQuery({ ...presetsOf(workflow), enabled: workflow !== "" });
  const presets = choicesOf(found);
  const [chosen, setChosen] = useState<string | null>(null);
  const [asked, setAsked] = useState<"save" | "delete" | null>(null);
  const current = presets.some((preset) => preset.name === chosen) ? chosen : null;
  return (
    <Stack gap={4}>
      <Group gap="sm" align="flex-end">
        {presets.length > 0 && (
          <Select
            label={words.preset}
            placeholder={words.none}
            data={presets.map(({ name }) => ({ value: name, label: plain(name) }))}
            value={current}
            onChange={(name) => {
              setChosen(name);
              const preset = presets.find((one) => one.name === name);
              if (preset !== undefined) onChoose(preset);
            }}
            searchable
            flex={1}
          />
        )}
        <OrderButton
          variant="default"
          leftSection={<Save size={14} aria-hidden />}
          disabled={job === null || workflow === ""}
          onClick={() => setAsked("save")}
        >
          {words.save}
        </OrderButton>
        {current !== null && (
          <OrderButton
            variant="default"
            leftSection={<Trash2 size={14} aria-hidden />}
            onClick={() => setAsked("delete")}
            aria-label={words.deleteOne(plain(current))}
          >
            {words.delete}
          </OrderButton>
        )}
      </Group>
      {found.error !== null && (
        <Text size="sm" c="var(--failed)" role="alert">
          {words.notLoaded(found.error.message)}
        </Text>
      )}
      <Modal opened={asked === "save" && job !== null} onClose={() => setAsked(null)} title={words.saveTitle} centered>
        {job !== null && (
          <SaveForm
            job={job}
            name={current ?? ""}
            known={presets.map(({ name }) => name)}
            onSaved={(name) => {
              setChosen(name);
              setAsked(null);
            }}
          />
        )}
      </Modal>
      {current !== null && (
        <Confirm
          opened={asked === "delete"}
          onClose={() => setAsked(null)}
          title={words.deleteTitle(plain(current))}
          text={words.deleteText}
          action={words.deleteOne(plain(current))}
          onConfirm={async () => {
            await deletePreset(workflow, current);
            await reload({ queryKey: presetsOf(workflow).queryKey });
          }}
        />
      )}
    </Stack>
  );
}

interface SaveProps {
  job: Omit<NewPreset, "name">;
  name: string;
  known: readonly string[];
  onSaved: (name: string) => void;
}

function SaveForm({ job, name: before, known, onSaved }: SaveProps) {
  const [name, setName] = useState(before);
  const save = useAction(async () => {
    const saved = await savePreset({ ...job, name: name.trim() });
    await reload({ queryKey: presetsOf(job.workflow_id).queryKey });
    onSaved(saved.name);
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation(); // React passes the event on to the run form
    void save.run();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <Text size="sm">{words.saveText}</Text>
        <TextInput
          label={words.name}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          description={known.includes(name.trim()) ? words.replaces : undefined}
          maxLength={128}
          required
          data-autofocus
        />
        <ActionError error={save.error} />
        <Group justify="flex-end">
          <OrderButton type="submit" loading={save.busy} disabled={name.trim() === ""}>
            {words.saveName}
          </OrderButton>
        </Group>
      </Stack>
    </form>
  );
}
