import Pause from "lucide:pause";
import Play from "lucide:play";
import Plus from "lucide:plus";
import { Alert, Group, Modal, SimpleGrid, Stack, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useEffect, useState } from "react";
import { QUEUES_RANGE } from "../../address/charts";
import { useAction } from "../../api/action";
import { COUNTED_DAYS } from "../../api/overview";
import { reload } from "../../api/queries";
import { addQueue, queueHistory, queueList } from "../../api/queues";
import { useQueueMetrics } from "../../live/live";
import { common } from "../../texts/common";
import { ALL_QUEUES, queueTexts as words } from "../../texts/queues";
import { Loaded } from "../../ui/Loaded";
import { OrderButton } from "../../ui/orders";
import { PageHeader } from "../../ui/PageHeader";
import { RangeSelect } from "../../ui/RangeSelect";
import { Age } from "../../ui/Time";
import { ConfirmQueueOrder, type QueueOrder } from "./ConfirmQueueOrder";
import { QueueAudit } from "./QueueAudit";
import { QueueCard } from "./QueueCard";

/** The queues with their pending jobs, and controls to pause and resume them. */
export function QueuesPage() {
  const list = useQuery(queueList);
  const { range = QUEUES_RANGE } = useSearch({ from: "/queues" });
  const navigate = useNavigate();
  const history = useQuery(queueHistory(range));
  const metrics = useQueueMetrics();
  const [asked, setAsked] = useState<QueueOrder | null>(null);
  const [adding, setAdding] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the stream reports that a queue changed; the details are loaded over HTTP
  useEffect(
    () => void reload({ queryKey: queueList.queryKey, exact: true }),
    [metrics?.pending, metrics?.paused?.join()],
  );
  const all = list.data?.all_paused;
  return (
    <>
      <PageHeader title={words.title}>
        <RangeSelect
          label={words.time}
          value={range}
          onChange={(chosen = QUEUES_RANGE) =>
            void navigate({ to: "/queues", search: { range: chosen }, replace: true })
          }
          clearable={false}
          keptDays={COUNTED_DAYS}
          width={140}
        />
        <OrderButton
          variant="default"
          disabled={list.data === undefined}
          leftSection={all == null ? <Pause size={14} aria-hidden /> : <Play size={14} aria-hidden />}
          onClick={() => setAsked({ queue: ALL_QUEUES, pause: all == null })}
        >
          {all == null ? words.pauseAll : words.resumeAll}
        </OrderButton>
        <OrderButton leftSection={<Plus size={14} aria-hidden />} onClick={() => setAdding(true)}>
          {words.add}
        </OrderButton>
      </PageHeader>
      <Stack gap="md">
        {all != null && (
          <Alert color="var(--pending)" title={words.allPaused}>
            {words.by(all.by)} <Age at={all.at} />
            {all.reason ? ` · ${common.audit.reason(all.reason)}` : ""}
          </Alert>
        )}
        <Loaded of={list} lines={6}>
          {({ items }) => (
            <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
              {items.map((queue) => (
                <QueueCard
                  key={queue.queue}
                  queue={queue}
                  history={history}
                  range={range}
                  onPause={() => setAsked({ queue: queue.queue, pause: true })}
                  onResume={() => setAsked({ queue: queue.queue, pause: false })}
                />
              ))}
            </SimpleGrid>
          )}
        </Loaded>
        <QueueAudit />
      </Stack>
      <ConfirmQueueOrder order={asked} onClose={() => setAsked(null)} />
      <AddQueue opened={adding} onClose={() => setAdding(false)} />
    </>
  );
}

function AddQueue({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [name, setName] = useState("");
  const action = useAction(async (_key, queue: string) => {
    await addQueue(queue);
    await reload({ queryKey: queueList.queryKey });
    setName("");
    onClose();
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void action.run(name.trim());
  };
  return (
    <Modal opened={opened} onClose={onClose} title={words.add} centered>
      <form onSubmit={submit}>
        <Stack gap="md">
          <TextInput
            label={words.name}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            pattern="[A-Za-z0-9._:\-]{1,128}"
            error={action.error}
            required
            data-autofocus
          />
          <Group justify="flex-end">
            <OrderButton type="submit" loading={action.busy}>
              {words.create}
            </OrderButton>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
