import { Group, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";
import { setWindowTitle } from "./windowSigns";

/** Heading of a page; also sets the title of the window. `children` are the actions of the page. */
export function PageHeader({ title, aside, children }: { title: string; aside?: ReactNode; children?: ReactNode }) {
  useEffect(() => setWindowTitle(title), [title]);
  return (
    <Group justify="space-between" align="center" mb="md" gap="sm">
      <Group gap="sm" align="center" miw={0}>
        <Title order={1} tabIndex={-1}>
          {title}
        </Title>
        {aside}
      </Group>
      {children !== undefined && <Group gap="sm">{children}</Group>}
    </Group>
  );
}
