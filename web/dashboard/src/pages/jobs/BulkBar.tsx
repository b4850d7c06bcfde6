import { Button, Group, Progress, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import type { JobSearch } from "../../address/jobs";
import { type Chosen, orderJobs } from "../../api/jobs";
import { queries } from "../../api/queries";
import { count } from "../../texts/format";
import { jobTexts as words } from "../../texts/jobs";
import { Confirm } from "../../ui/Confirm";

interface Props {
  search: JobSearch;
  selected: ReadonlySet<string>;
  loaded: number;
  matching: number;
  capped: boolean;
  onClear: () => void;
}

/** Actions on the selected jobs, or on all jobs that match the filters. */
export function BulkBar({ search, selected, loaded, matching, capped, onClear }: Props) {
  const [everything, setEverything] = useState(false);
  const [asked, setAsked] = useState<"cancel" | "retry" | null>(null);
  const [done, setDone] = useState<number | null>(null);
  if (selected.size === 0) return null;
  const whole = everything && selected.size >= loaded;
  const number = whole ? matching : selected.size;
  const chosen: Chosen = whole ? { filter: search } : { job_ids: [...selected] };
  const figure = `${count(matching)}${capped ? "+" : ""}`;

  const act = async (reason: string) => {
    if (asked === null) return;
    setDone(0);
    try {
      const sum = await orderJobs(asked, chosen, reason, setDone);
      notifications.show({ message: words.done(asked, sum.done, sum.refused) });
      onClear();
      void queries.invalidateQueries({ queryKey: ["jobs"] });
    } finally {
      setDone(null);
    }
  };

  return (
    <Group gap="sm" mb="sm" role="region" aria-label={words.selected(number)}>
      <Text fw={500} className="number">
        {whole ? words.selectedAll(figure) : words.selected(number)}
      </Text>
      {!whole && selected.size >= loaded && matching > loaded && (
        <Button size="compact-sm" variant="default" onClick={() => setEverything(true)}>
          {words.selectAllMatching(figure)}
        </Button>
      )}
      <Button size="compact-sm" variant="default" onClick={() => setAsked("cancel")}>
        {words.cancel}
      </Button>
      <Button size="compact-sm" variant="default" onClick={() => setAsked("retry")}>
        {words.retry}
      </Button>
      <Button
        size="compact-sm"
        variant="subtle"
        onClick={() => {
          setEverything(false);
          onClear();
        }}
      >
        {words.clearSelection}
      </Button>
      {done !== null && (
        <Progress value={(done / Math.max(number, 1)) * 100} w={120} aria-label={words.selected(number)} />
      )}
      <Confirm
        opened={asked !== null}
        title={asked === "retry" ? words.retryMany(number) : words.cancelMany(number)}
        text={asked === "retry" ? words.retryText(number) : words.cancelText(number)}
        action={asked === "retry" ? words.retryMany(number) : words.cancelMany(number)}
        danger={asked === "cancel"}
        askReason={asked === "cancel"}
        onClose={() => setAsked(null)}
        onConfirm={act}
      />
    </Group>
  );
}
