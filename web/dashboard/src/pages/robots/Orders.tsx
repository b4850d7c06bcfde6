import Pencil from "lucide:pencil";
import Trash2 from "lucide:trash-2";
import { notifications } from "@mantine/notifications";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { deleteRobot, type Robot, type RobotOrder } from "../../api/robots";
import { live } from "../../live/live";
import { robotTextsOne as words } from "../../texts/robots";
import { plain } from "../../texts/safe";
import { Confirm } from "../../ui/Confirm";
import { OrderButton } from "../../ui/orders";
import { ConfirmRobotOrder, ROBOT_ORDERS, reloadRobots } from "./ConfirmRobotOrder";
import { EditRobot } from "./EditRobot";

/** Buttons to drain or resume, restart, edit and delete a robot. Each order has a confirmation and a reason. */
export function Orders({ robot }: { robot: Robot }) {
  const [asked, setAsked] = useState<RobotOrder | "edit" | "delete" | null>(null);
  const navigate = useNavigate();
  const offered: RobotOrder[] = [robot.draining === null ? "drain" : "resume", "restart"];
  const ordered = asked === "drain" || asked === "resume" || asked === "restart" ? asked : null;
  const name = plain(robot.name || robot.robot_id);
  const close = () => setAsked(null);
  return (
    <>
      {offered.map((name) => {
        const { label, icon: Sign } = ROBOT_ORDERS[name];
        return (
          <OrderButton
            key={name}
            variant="default"
            leftSection={<Sign size={14} aria-hidden />}
            onClick={() => setAsked(name)}
          >
            {label}
          </OrderButton>
        );
      })}
      <OrderButton variant="default" leftSection={<Pencil size={14} aria-hidden />} onClick={() => setAsked("edit")}>
        {words.edit}
      </OrderButton>
      <OrderButton variant="default" leftSection={<Trash2 size={14} aria-hidden />} onClick={() => setAsked("delete")}>
        {words.delete}
      </OrderButton>
      {asked === "edit" && <EditRobot robot={robot} onClose={close} />}
      <ConfirmRobotOrder robot={robot} order={ordered} onClose={close} />
      <Confirm
        opened={asked === "delete"}
        title={words.deleteTitle(name)}
        text={words.deleteText(plain(robot.robot_id), robot.current_job)}
        action={words.deleteTitle(name).replace("?", "")}
        danger
        onClose={close}
        onConfirm={async () => {
          await deleteRobot(robot.robot_id);
          live.forgetRobot(robot.robot_id);
          notifications.show({ message: words.deleted(name) });
          void navigate({ to: "/robots" });
          void reloadRobots();
        }}
      />
    </>
  );
}
