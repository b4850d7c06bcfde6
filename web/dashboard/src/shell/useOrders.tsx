import Pause from "lucide:pause";
import Play from "lucide:play";
import Square from "lucide:square";
import type { SpotlightActionData } from "@mantine/spotlight";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { jobOf } from "../api/jobs";
import { queueList } from "../api/queues";
import { robotList } from "../api/robots";
import { ConfirmJobOrder } from "../pages/jobs/ConfirmJobOrder";
import { ConfirmQueueOrder } from "../pages/queues/ConfirmQueueOrder";
import { ConfirmRobotOrder } from "../pages/robots/ConfirmRobotOrder";
import { choicesOf } from "../ui/Loaded";
import { useCanAct } from "../ui/orders";
import { type Order, ordersOf } from "./orders";

/** The orders of the palette that match, and the dialog of the chosen one: the same as on the pages. */
export function useOrders(wanted: string): { actions: SpotlightActionData[]; dialog: ReactNode } {
  const [asked, setAsked] = useState<Order | null>(null);
  const { jobId } = useParams({ strict: false });
  const canAct = useCanAct();
  const enabled = canAct && wanted !== "";
  const queues = useQuery({ ...queueList, enabled });
  const robots = useQuery({ ...robotList, enabled });
  const job = useQuery({ ...jobOf(jobId ?? ""), enabled: jobId !== undefined }).data;
  const all = queues.data?.all_paused;
  const known = {
    queues: choicesOf(queues),
    allPaused: queues.data === undefined ? null : all != null,
    robots: choicesOf(robots),
    job: jobId === undefined ? undefined : job,
  };
  const actions = (canAct ? ordersOf(known, wanted) : []).map((order): SpotlightActionData => {
    const Sign = signOf(order);
    return {
      id: order.label,
      label: order.label,
      leftSection: <Sign size={16} aria-hidden />,
      onClick: () => setAsked(order),
    };
  });
  const close = () => setAsked(null);
  return { actions, dialog: asked === null ? null : <Dialog order={asked} onClose={close} /> };
}

function signOf(order: Order): typeof Pause {
  if (order.kind === "job") return Square;
  const stops = order.kind === "queue" ? order.order.pause : order.order === "drain";
  return stops ? Pause : Play;
}

function Dialog({ order, onClose }: { order: Order; onClose: () => void }) {
  if (order.kind === "queue") return <ConfirmQueueOrder order={order.order} onClose={onClose} />;
  if (order.kind === "robot") return <ConfirmRobotOrder robot={order.robot} order={order.order} onClose={onClose} />;
  return <ConfirmJobOrder job={order.job} order="cancel" onClose={onClose} />;
}
