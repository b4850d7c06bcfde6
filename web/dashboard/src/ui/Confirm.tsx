import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";
import { useAction } from "../api/action";
import { common } from "../texts/common";
import { ActionError } from "./ActionError";

interface Props {
  opened: boolean;
  title: string;
  text: ReactNode;
  /** Label of the button, with the number of affected objects: `Cancel 12 jobs`. */
  action: string;
  danger?: boolean;
  askReason?: boolean;
  /** The action is not possible. */
  disabled?: boolean;
  onClose: () => void;
  /** Runs the action with an idempotency key. An error is shown and keeps the dialog open. */
  onConfirm: (reason: string, key: string) => Promise<unknown>;
}

/** Asks for confirmation, and optionally for a reason, before an action. */
export function Confirm({
  opened,
  title,
  text,
  action: label,
  danger = false,
  askReason = false,
  disabled = false,
  onClose,
  onConfirm,
}: Props) {
  const [reason, setReason] = useState("");
  const action = useAction((key: string, reason: string) => onConfirm(reason, key));

  const close = () => {
    action.clear();
    onClose();
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation(); // React passes the event on to a form around the dialog
    if (!(await action.run(reason.trim()))) return;
    setReason("");
    onClose();
  };

  return (
    <Modal opened={opened} onClose={close} title={title} centered>
      <form onSubmit={submit}>
        <Stack gap="md">
          <Text component="div">{text}</Text>
          {askReason && (
            <TextInput
              label={common.confirm.reason}
              description={common.confirm.reasonHint}
              maxLength={1024}
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
              data-autofocus
            />
          )}
          <ActionError error={action.error} />
          <Group justify="flex-end" gap="sm">
            <Button variant="default" onClick={close}>
              {common.confirm.cancel}
            </Button>
            <Button
              type="submit"
              loading={action.busy}
              disabled={disabled}
              {...(danger ? { color: "var(--failed)" } : {})}
            >
              {label}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
