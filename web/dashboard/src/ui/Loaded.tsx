import CircleAlert from "lucide:circle-alert";
import History from "lucide:history";
import { CasareError } from "@casare/client";
import { Button, Group, Skeleton, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { common } from "../texts/common";
import { EmptyState } from "./EmptyState";
import classes from "./Loaded.module.css";
import { Age } from "./Time";

/** What the result of a query has in common with other requests. */
export interface Request<T> {
  data: T | undefined;
  error: Error | null;
  /** Milliseconds since 1970. */
  dataUpdatedAt: number;
  refetch: () => unknown;
}

interface Props<T> {
  of: Request<T>;
  children: (data: T) => ReactNode;
  /** What to show instead when the data has no content; false when it has some. */
  empty?: (data: T) => ReactNode | false;
  /** What to show when the server has no such thing. */
  gone?: string;
  /** Number of grey lines while the data is loaded. */
  lines?: number;
}

/** The choices of a field; none before they are loaded, because a list of choices states nothing. */
export function choicesOf<T>(request: { data: { items: readonly T[] } | undefined }): readonly T[] {
  return request.data?.items ?? [];
}

const NOT_FOUND = 404;

/**
 * The data of a request, or its state: loading, failed, empty, or outdated. Nothing is stated about data before it has arrived.
 * When a later request fails, the last data stays, grey and with its age.
 */
export function Loaded<T>({ of, children, empty, gone, lines = 3 }: Props<T>) {
  const { data, error, dataUpdatedAt, refetch } = of;
  if (data === undefined) {
    if (error === null) return <Loading lines={lines} />;
    if (gone !== undefined && error instanceof CasareError && error.status === NOT_FOUND)
      return <EmptyState title={gone} />;
    return <LoadError error={error} retry={() => void refetch()} />;
  }
  const nothing = empty === undefined ? false : empty(data);
  const content = nothing === false ? children(data) : <Nothing>{nothing}</Nothing>;
  if (error === null) return content;
  return (
    <>
      <div className={classes.state} data-state="outdated" role="status">
        <History size={14} aria-hidden />
        <span>
          {common.loaded.asOf} <Age at={new Date(dataUpdatedAt).toISOString()} />: {error.message}
        </span>
      </div>
      <div className={classes.outdated}>{content}</div>
    </>
  );
}

function Nothing({ children }: { children: ReactNode }) {
  return typeof children === "string" ? (
    <Text c="dimmed" className={classes.state} data-state="empty">
      {children}
    </Text>
  ) : (
    children
  );
}

/** Grey lines in place of data that is being loaded. */
export function Loading({ lines = 3 }: { lines?: number }) {
  return (
    <Stack gap="sm" className={classes.state} data-state="loading" role="status" aria-label={common.loading}>
      {Array.from({ length: lines }, (_, line) => (
        <Skeleton key={line} height={12} width={`${90 - ((line * 23) % 50)}%`} animate={false} />
      ))}
    </Stack>
  );
}

/** Error message of a failed request, with a button that repeats it. */
export function LoadError({ error, retry }: { error: Error; retry: () => void }) {
  return (
    <Group gap="sm" className={classes.state} data-state="failed" role="alert">
      <CircleAlert size={16} aria-hidden />
      <Text>
        {common.loaded.failed}: {error.message}
      </Text>
      <Button size="compact-sm" variant="default" onClick={retry}>
        {common.loaded.retry}
      </Button>
    </Group>
  );
}
