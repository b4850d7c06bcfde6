import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { queueOrders } from "../../api/queues";
import { queueTexts as words } from "../../texts/queues";
import { AuditRows } from "../../ui/AuditRows";
import { Panel } from "../../ui/Panel";

/** The audit log of paused and resumed queues. */
export function QueueAudit() {
  const { data } = useQuery(queueOrders);
  const entries = data?.items ?? [];
  return (
    <Panel title={words.audit} flush>
      {entries.length === 0 ? (
        <Text c="dimmed" p="md">
          {words.noAudit}
        </Text>
      ) : (
        <AuditRows entries={entries} showTarget />
      )}
    </Panel>
  );
}
