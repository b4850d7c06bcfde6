import Pause from "lucide:pause";
import Play from "lucide:play";
import RotateCw from "lucide:rotate-cw";
import { reload } from "../../api/queries";
import { orderRobots, type RobotOrder } from "../../api/robots";
import { robotTextsOne as words } from "../../texts/robots";
import { plain } from "../../texts/safe";
import { Confirm } from "../../ui/Confirm";

export const ROBOT_ORDERS = {
  drain: { label: words.drain, title: words.drainTitle, text: words.drainText, icon: Pause },
  resume: { label: words.resume, title: words.resumeTitle, text: words.resumeText, icon: Play },
  restart: { label: words.restart, title: words.restartTitle, text: words.restartText, icon: RotateCw },
} as const;

/** Loads again after a change of a robot. */
export async function reloadRobots(): Promise<void> {
  await reload({ queryKey: ["robots"] });
  await reload({ queryKey: ["audit"] });
}

interface Props {
  robot: { robot_id: string; name: string };
  /** Null: not asked. */
  order: RobotOrder | null;
  onClose: () => void;
}

/** Asks for the reason of an order to a robot, and sends it. */
export function ConfirmRobotOrder({ robot, order, onClose }: Props) {
  const { title, text, label } = ROBOT_ORDERS[order ?? "drain"];
  return (
    <Confirm
      opened={order !== null}
      title={title(plain(robot.name || robot.robot_id))}
      text={text}
      action={label}
      askReason
      onClose={onClose}
      onConfirm={async (reason) => {
        if (order === null) return;
        const [refused] = (await orderRobots(order, [robot.robot_id], reason)).refused;
        await reloadRobots();
        if (refused !== undefined) throw new Error(refused.message);
      }}
    />
  );
}
