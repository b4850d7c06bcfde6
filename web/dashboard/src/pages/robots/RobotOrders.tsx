import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { ordersFor } from "../../api/robots";
import { robotTextsOne as words } from "../../texts/robots";
import { AuditRows } from "../../ui/AuditRows";
import { Panel } from "../../ui/Panel";

/** The audit log of a robot. */
export function RobotOrders({ robotId }: { robotId: string }) {
  const { data } = useQuery(ordersFor(robotId));
  const entries = data?.items ?? [];
  return (
    <Panel title={words.audit} flush>
      {entries.length === 0 ? (
        <Text c="dimmed" p="md">
          {words.noAudit}
        </Text>
      ) : (
        <AuditRows entries={entries} />
      )}
    </Panel>
  );
}
