import { Group, Modal, Select, Stack, Textarea, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { TimeRange } from "../../address/range";
import { useAction } from "../../api/action";
import { muteFailures, noteFailures, unmuteFailures } from "../../api/failures";
import { orderCount, orderJobs } from "../../api/jobs";
import type { FailureGroup } from "../../api/overview";
import { reload } from "../../api/queries";
import { common } from "../../texts/common";
import { failureTexts as words } from "../../texts/failures";
import { ActionError } from "../../ui/ActionError";
import { Confirm } from "../../ui/Confirm";
import { OrderButton, ViewButton } from "../../ui/orders";
import { type Asked, jobsOf } from "./FailureRow";

const DAYS = { unmuted: null, day: 1, week: 7 } as const;
type Length = keyof typeof DAYS;
const LENGTHS = (Object.keys(DAYS) as Length[]).map((value) => ({ value, label: words.until[value] }));
const DAY_MS = 86_400_000;

const refresh = () => Promise.all(["failures", "audit", "jobs"].map((first) => reload({ queryKey: [first] })));

interface Props {
  group: FailureGroup;
  range: TimeRange;
  asked: Asked;
  onClose: () => void;
}

/** The dialog of an order about a group. */
export function FailureOrders({ group, range, asked, onClose }: Props) {
  const [length, setLength] = useState<Length>("unmuted");
  if (asked === "note") return <NoteForm group={group} onClose={onClose} />;
  if (asked === "retry") return <RetryAll group={group} range={range} onClose={onClose} />;
  const mute = asked === "mute";
  const order = (reason: string) => {
    const days = DAYS[length];
    const until = days === null ? null : new Date(Date.now() + days * DAY_MS).toISOString();
    return mute ? muteFailures(group, until, reason) : unmuteFailures(group, reason);
  };
  return (
    <Confirm
      opened
      title={mute ? words.muteTitle : words.unmuteTitle}
      text={
        <Stack gap="sm">
          {mute ? words.muteText : words.unmuteText}
          {mute && (
            <Select
              label={words.muteFor}
              data={LENGTHS}
              value={length}
              onChange={(value) => setLength(value as Length)}
              allowDeselect={false}
            />
          )}
        </Stack>
      }
      action={mute ? words.mute : words.unmute}
      askReason
      onClose={onClose}
      onConfirm={async (reason) => {
        await order(reason);
        await refresh();
      }}
    />
  );
}

function NoteForm({ group, onClose }: { group: FailureGroup; onClose: () => void }) {
  const [note, setNote] = useState(group.note);
  const [owner, setOwner] = useState(group.owner);
  const action = useAction(async () => {
    await noteFailures(group, { note: note.trim(), owner: owner.trim() });
    await refresh();
  });
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (await action.run()) onClose();
  };
  return (
    <Modal opened onClose={onClose} title={words.editTitle} centered>
      <form onSubmit={submit}>
        <Stack gap="md">
          <TextInput
            label={words.owner}
            description={words.ownerHint}
            maxLength={256}
            value={owner}
            onChange={(event) => setOwner(event.currentTarget.value)}
            data-autofocus
          />
          <Textarea
            label={words.note}
            description={words.noteHint}
            maxLength={1024}
            autosize
            minRows={3}
            value={note}
            onChange={(event) => setNote(event.currentTarget.value)}
          />
          <ActionError error={action.error} />
          <Group justify="flex-end" gap="sm">
            <ViewButton variant="default" onClick={onClose}>
              {common.confirm.cancel}
            </ViewButton>
            <OrderButton type="submit" loading={action.busy}>
              {words.save}
            </OrderButton>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** Asks before it retries the jobs of a group, with the number that will be retried. */
function RetryAll({ group, range, onClose }: { group: FailureGroup; range: TimeRange; onClose: () => void }) {
  const search = jobsOf(group, range);
  const counting = useQuery(orderCount("retry", search));
  const counted = counting.data;
  const number = counted === undefined ? 0 : counted.matched;
  const text = () => {
    if (counted === undefined) return counting.error === null ? common.loading : counting.error.message;
    if (counted.more) return words.tooMany;
    return number === 0 ? words.noneToRetry : words.retryText;
  };
  return (
    <Confirm
      opened
      title={number === 0 ? words.retry : words.retryTitle(number)}
      text={text()}
      action={number === 0 ? words.retry : words.retryAction(number)}
      disabled={number === 0 || counted?.more === true}
      onClose={onClose}
      onConfirm={async (_, key) => {
        if (counted === undefined) return;
        const chosen = { filter: search, number: counted.matched, at: counted.at };
        const sum = await orderJobs(key, "retry", chosen, "", () => undefined);
        notifications.show({ message: words.retried(sum.done, sum.refused) });
        await refresh();
      }}
    />
  );
}
