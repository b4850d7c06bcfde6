import { Button, Text } from "@mantine/core";
import { common } from "../texts/common";
import { EmptyState } from "./EmptyState";

/** What was asked for could not be loaded: the server's own sentence, and a way to try again. */
export function LoadError({ error, retry }: { error: Error; retry?: (() => void) | undefined }) {
  return (
    <EmptyState title={common.empty.failed} text={<Text role="alert">{error.message}</Text>}>
      {retry !== undefined && (
        <Button variant="default" onClick={retry}>
          {common.empty.retry}
        </Button>
      )}
    </EmptyState>
  );
}
