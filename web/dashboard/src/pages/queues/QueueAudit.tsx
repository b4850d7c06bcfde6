import { useQuery } from "@tanstack/react-query";
import { queueOrders } from "../../api/queues";
import { queueTexts as words } from "../../texts/queues";
import { AuditRows } from "../../ui/AuditRows";
import { Loaded } from "../../ui/Loaded";
import { Panel } from "../../ui/Panel";

/** The audit log of paused and resumed queues. */
export function QueueAudit() {
  const orders = useQuery(queueOrders);
  return (
    <Panel title={words.audit} flush>
      <Loaded of={orders} empty={({ items }) => items.length === 0 && words.noAudit}>
        {({ items }) => <AuditRows entries={items} showTarget />}
      </Loaded>
    </Panel>
  );
}
