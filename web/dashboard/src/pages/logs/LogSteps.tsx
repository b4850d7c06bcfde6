import ChevronDown from "lucide:chevron-down";
import ChevronUp from "lucide:chevron-up";
import CircleArrowDown from "lucide:circle-arrow-down";
import CircleArrowUp from "lucide:circle-arrow-up";
import { ActionIcon, Group, Switch, Text, Tooltip } from "@mantine/core";
import { type LogSearch, textOf } from "../../address/logs";
import { logTexts as words } from "../../texts/logs";
import { useKeys } from "../../ui/keys";
import type { Target, useJump } from "./useJump";

interface Props {
  search: LogSearch;
  jump: ReturnType<typeof useJump>;
  /** Loaded lines are a part of the log, so that the number of matches can be higher. */
  partial: boolean;
  /** Hides the lines without the searched text, or shows all and marks it. */
  onOnlyMatches: (only: boolean) => void;
  /** Shows the current line among the lines that the filters hide. */
  onContext: () => void;
}

/** Buttons and keys that move to the next and previous marked line and error. */
export function LogSteps({ search, jump, partial, onOnlyMatches, onContext }: Props) {
  const text = textOf(search);
  useKeys({
    n: (event) => jump.to("match", event.shiftKey ? -1 : 1),
    e: (event) => jump.to("error", event.shiftKey ? -1 : 1),
    c: onContext,
  });
  const button = (target: Target, direction: 1 | -1, label: string, Sign: typeof ChevronUp) => (
    <Tooltip label={label}>
      <ActionIcon
        variant="default"
        size="lg"
        aria-label={label}
        disabled={target === "match" && text === undefined}
        onClick={() => jump.to(target, direction)}
      >
        <Sign size={16} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
  return (
    <Group gap="xs">
      <Switch
        size="xs"
        label={words.onlyMatches}
        checked={search.find === undefined}
        disabled={text === undefined}
        onChange={(event) => onOnlyMatches(event.currentTarget.checked)}
      />
      {button("match", -1, words.previousMatch, ChevronUp)}
      {button("match", 1, words.nextMatch, ChevronDown)}
      {button("error", -1, words.previousError, CircleArrowUp)}
      {button("error", 1, words.nextError, CircleArrowDown)}
      <Text c="dimmed" size="sm" className="number" role="status">
        {jump.note !== "" ? jump.note : jump.matches !== null && words.matches(jump.matches, partial)}
      </Text>
    </Group>
  );
}
