import { Group, Modal, NumberInput, Stack, TagsInput, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useAction } from "../../api/action";
import { reload } from "../../api/queries";
import { changeRobot, type Robot } from "../../api/robots";
import { common } from "../../texts/common";
import { robotTextsOne as words } from "../../texts/robots";
import { ActionError } from "../../ui/ActionError";
import { OrderButton, ViewButton } from "../../ui/orders";
import { changesOf, type RobotFields } from "./changes";

/** The form for the name, the slots and the tags of a robot. Only changed fields are sent. */
export function EditRobot({ robot, onClose }: { robot: Robot; onClose: () => void }) {
  // The values at the opening: a change by another user in the meantime stays, unless it is of the same field.
  const [before] = useState<RobotFields>({
    name: robot.name,
    slots: robot.max_concurrent_jobs,
    tags: robot.tags,
  });
  const [fields, setFields] = useState(before);
  const set = (change: Partial<RobotFields>) => setFields({ ...fields, ...change });
  const change = changesOf(before, fields);
  const action = useAction(async () => {
    await changeRobot(robot.robot_id, change);
    await reload({ queryKey: ["robots"] });
    await reload({ queryKey: ["audit"] });
  });
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (await action.run()) onClose();
  };
  return (
    <Modal opened onClose={onClose} title={words.editTitle(robot.robot_id)} centered>
      <form onSubmit={submit}>
        <Stack gap="md">
          <TextInput
            label={words.name}
            description={words.nameHint}
            value={fields.name}
            maxLength={256}
            onChange={(event) => set({ name: event.currentTarget.value })}
            data-autofocus
          />
          <NumberInput
            label={words.slots}
            description={words.slotsHint}
            value={fields.slots ?? ""}
            onChange={(value) => set({ slots: value === "" ? null : Number(value) })}
            min={1}
            max={1000}
            allowDecimal={false}
            allowNegative={false}
            clampBehavior="strict"
          />
          <TagsInput
            label={words.tags}
            description={words.tagsHint}
            value={fields.tags}
            onChange={(tags) => set({ tags })}
            maxTags={64}
          />
          <ActionError error={action.error} />
          <Group justify="flex-end" gap="sm">
            <ViewButton variant="default" onClick={onClose}>
              {common.confirm.cancel}
            </ViewButton>
            <OrderButton type="submit" loading={action.busy} disabled={Object.keys(change).length === 0}>
              {words.save}
            </OrderButton>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
