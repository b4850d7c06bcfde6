import { Text } from "@mantine/core";

/** Why an action failed; nothing when `error` is null. */
export function ActionError({ error }: { error: string | null }) {
  if (error === null) return null;
  return (
    <Text c="var(--failed)" role="alert">
      {error}
    </Text>
  );
}
