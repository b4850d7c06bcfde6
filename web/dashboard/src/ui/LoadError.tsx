import { Button, Text } from "@mantine/core";
import { common } from "../texts/common";
import { EmptyState } from "./EmptyState";

/** Error message of a failed request, with a button that repeats it. */
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
