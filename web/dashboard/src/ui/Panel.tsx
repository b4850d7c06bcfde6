import { Group, Title } from "@mantine/core";
import { type ReactNode, useId } from "react";
import classes from "./Panel.module.css";

/** A section of a page with a heading; `tone` colours its edge. */
export function Panel({
  title,
  aside,
  tone,
  flush = false,
  children,
}: {
  title: string;
  aside?: ReactNode;
  tone?: "failed" | "pending" | undefined;
  flush?: boolean;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <section className={classes.panel} data-tone={tone} aria-labelledby={id}>
      <Group justify="space-between" gap="sm" className={classes.head}>
        <Title order={2} size="h3" id={id}>
          {title}
        </Title>
        {aside}
      </Group>
      <div className={classes.body} data-flush={flush}>
        {children}
      </div>
    </section>
  );
}
