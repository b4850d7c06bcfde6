import { reload } from "../../api/queries";
import { pauseQueue, queueList, resumeQueue } from "../../api/queues";
import { queueTexts as words } from "../../texts/queues";
import { Confirm } from "../../ui/Confirm";

export interface QueueOrder {
  queue: string;
  pause: boolean;
}

/** Asks for the reason to pause or resume a queue, and does it; null: not asked. */
export function ConfirmQueueOrder({ order, onClose }: { order: QueueOrder | null; onClose: () => void }) {
  const resumes = order?.pause === false;
  return (
    <Confirm
      opened={order !== null}
      title={(resumes ? words.resumeTitle : words.pauseTitle)(order?.queue ?? "")}
      text={resumes ? words.resumeText : words.pauseText}
      action={resumes ? words.resume : words.pause}
      askReason
      onClose={onClose}
      onConfirm={async (reason) => {
        if (order === null) return;
        await (order.pause ? pauseQueue : resumeQueue)(order.queue, reason);
        await reload({ queryKey: queueList.queryKey });
        await reload({ queryKey: ["audit"] });
      }}
    />
  );
}
