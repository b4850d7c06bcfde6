import { Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** Placeholder for an empty page or panel: says what will appear here. `children` is the next step. */
export function EmptyState({ title, text, children }: { title: string; text?: ReactNode; children?: ReactNode }) {
  return (
    <Stack align="center" gap="sm" p="xl" ta="center" mx="auto" maw={560}>
      <Title order={2}>{title}</Title>
      {text !== undefined && (
        <Text c="dimmed" component="div">
          {text}
        </Text>
      )}
      {children}
    </Stack>
  );
}
