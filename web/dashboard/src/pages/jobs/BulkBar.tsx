import { Group, Progress, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { JobSearch } from "../../address/jobs";
import { type Chosen, type Order, orderCount, orderJobs } from "../../api/jobs";
import { reload } from "../../api/queries";
import { common } from "../../texts/common";
import { jobTexts as words } from "../../texts/jobs";
import { Confirm } from "../../ui/Confirm";
import { OrderButton, ViewButton } from "../../ui/orders";

interface Props {
  search: JobSearch;
  selected: ReadonlySet<string>;
  /** All jobs that match the filters are selected, not only `selected`. */
  everything: boolean;
  /** All loaded jobs are selected, and more match. */
  canSelectAll: boolean;
  /** Number of matching jobs as a text, such as `10,000+`. */
  matching: string;
  onEverything: () => void;
  onClear: () => void;
}

/** Actions on the selected jobs, or on all jobs that match the filters. */
export function BulkBar({ search, selected, everything, canSelectAll, matching, onEverything, onClear }: Props) {
  const [asked, setAsked] = useState<Order | null>(null);
  const [done, setDone] = useState<number | null>(null);
  const counting = useQuery({ ...orderCount(asked ?? "cancel", search), enabled: everything && asked !== null });
  if (selected.size === 0 && !everything) return null;
  const counted = everything ? counting.data : undefined;
  const number = everything ? (counted?.matched ?? 0) : selected.size;
  const chosen: Chosen =
    counted === undefined ? { job_ids: [...selected] } : { filter: search, number: counted.matched, at: counted.at };

  const act = async (reason: string, key: string) => {
    if (asked === null) return;
    setDone(0);
    try {
      const sum = await orderJobs(key, asked, chosen, reason, setDone);
      notifications.show({ message: words.done(asked, sum.done, sum.refused) });
      onClear();
    } finally {
      setDone(null);
      void reload({ queryKey: ["jobs"] });
    }
  };
  const title = () => {
    if (everything && counted === undefined) return asked === "retry" ? words.retry : words.cancel;
    return asked === "retry" ? words.retryMany(number) : words.cancelMany(number);
  };
  const text = () => {
    if (everything && counted === undefined && counting.error !== null) return counting.error.message;
    if (everything && counted === undefined) return common.loading;
    if (counted?.more === true) return words.tooMany;
    if (number === 0) return words.noneToOrder;
    return asked === "retry" ? words.retryText(number) : words.cancelText(number);
  };

  return (
    <Group
      gap="sm"
      mb="sm"
      role="region"
      aria-label={everything ? words.selectedAll(matching) : words.selected(number)}
    >
      <Text fw={500} className="number">
        {everything ? words.selectedAll(matching) : words.selected(number)}
      </Text>
      {!everything && canSelectAll && (
        <ViewButton size="compact-sm" variant="default" onClick={onEverything}>
          {words.selectAllMatching(matching)}
        </ViewButton>
      )}
      <OrderButton size="compact-sm" variant="default" disabled={done !== null} onClick={() => setAsked("cancel")}>
        {words.cancel}
      </OrderButton>
      <OrderButton size="compact-sm" variant="default" disabled={done !== null} onClick={() => setAsked("retry")}>
        {words.retry}
      </OrderButton>
      <ViewButton size="compact-sm" variant="subtle" onClick={onClear}>
        {words.clearSelection}
      </ViewButton>
      {done !== null && (
        <Progress value={(done / Math.max(number, 1)) * 100} w={120} aria-label={words.selected(number)} />
      )}
      <Confirm
        opened={asked !== null}
        title={title()}
        text={text()}
        action={title()}
        disabled={number === 0 || counted?.more === true}
        danger={asked === "cancel"}
        askReason={asked === "cancel"}
        onClose={() => setAsked(null)}
        onConfirm={act}
      />
    </Group>
  );
}
