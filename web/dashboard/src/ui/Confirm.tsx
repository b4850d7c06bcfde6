import { asError } from "@casare/client";
import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";
import { common } from "../texts/common";

interface Props {
  opened: boolean;
  title: string;
  text: ReactNode;
  /** Label of the button, with the number of affected objects: `Cancel 12 jobs`. */
  action: string;
  danger?: boolean;
  askReason?: boolean;
  onClose: () => void;
  /** Runs the action. An error is shown and keeps the dialog open. */
  onConfirm: (reason: string) => Promise<unknown>;
}

/** Asks for confirmation, and optionally for a reason, before an action. */
export function Confirm({ opened, title, text, action, danger = false, askReason = false, onClose, onConfirm }: Props) {
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await onConfirm(reason.trim());
      setReason("");
      onClose();
    } catch (problem) {
      setError(asError(problem).message);
    } finally {
      setBusy(false);
    }
  };

  return (
    <Modal opened={opened} onClose={onClose} title={title} centered>
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
          {error !== null && (
            <Text c="error" role="alert">
              {error}
            </Text>
          )}
          <Group justify="flex-end" gap="sm">
            <Button variant="default" onClick={onClose}>
              {common.confirm.cancel}
            </Button>
            <Button type="submit" loading={busy} {...(danger ? { color: "var(--failed)" } : {})}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
