import { Group, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { common } from "../texts/common";
import { EmptyState } from "./EmptyState";
import { ViewButton } from "./orders";

const words = common.filters;

/** The filters of a list, and the numbers that are left. */
export interface Filters {
  /** Whether they can leave something out. */
  active: boolean;
  clear: () => void;
  /** How many objects are shown of how many; null before they are counted, and of lists that are not counted. */
  counts: { shown: string; total: string } | null;
}

/** The fields of the filters of a list, above it. */
export function FilterBar({ children }: { children: ReactNode }) {
  return (
    <Group gap="sm" mb="sm" role="search">
      {children}
    </Group>
  );
}

/** Beside the heading of a list: how many objects the filters leave, and a button that clears them.
 *
 * `all` is shown without filters.
 */
export function FilterCount({ of: { active, clear, counts }, all }: { of: Filters; all?: string | undefined }) {
  const count = counts === null ? words.on : words.shown(counts.shown, counts.total);
  const text = active ? count : all;
  return (
    <Group gap="sm">
      {text !== undefined && (
        <Text c="dimmed" className="number" role="status">
          {text}
        </Text>
      )}
      {active && (
        <ViewButton size="compact-sm" variant="default" onClick={clear}>
          {words.clear}
        </ViewButton>
      )}
    </Group>
  );
}

interface NothingProps {
  of: Filters;
  /** For example `No job matches the filters.` */
  title: string;
  text?: string | undefined;
  /** Label of the button that shows the rest. */
  clear?: string;
  children?: ReactNode;
}

/** In place of a list whose filters leave nothing: says that they hide the rest, and clears them. */
export function NothingShown({
  of: { clear, counts },
  title,
  text,
  clear: label = words.clear,
  children,
}: NothingProps) {
  return (
    <EmptyState
      title={counts === null ? title : words.shown("0", counts.total)}
      text={
        <>
          {counts !== null && title} {text}
        </>
      }
    >
      <Group gap="sm">
        {children}
        <ViewButton variant="default" onClick={clear}>
          {label}
        </ViewButton>
      </Group>
    </EmptyState>
  );
}
