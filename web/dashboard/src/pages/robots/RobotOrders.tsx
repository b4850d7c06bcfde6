import { useQuery } from "@tanstack/react-query";
import { ordersFor } from "../../api/robots";
import { robotTextsOne as words } from "../../texts/robots";
import { AuditRows } from "../../ui/AuditRows";
import { Loaded } from "../../ui/Loaded";
import { Panel } from "../../ui/Panel";

/** The audit log of a robot. */
export function RobotOrders({ robotId }: { robotId: string }) {
  const orders = useQuery(ordersFor(robotId));
  return (
    <Panel title={words.audit} flush>
      <Loaded of={orders} empty={({ items }) => items.length === 0 && words.noAudit}>
        {({ items }) => <AuditRows entries={items} />}
      </Loaded>
    </Panel>
  );
}
