import { Button } from "@mantine/core";
import { Pause, Play, RotateCw } from "lucide-react";
import { useState } from "react";
import { queries } from "../../api/queries";
import { orderRobot, type Robot, type RobotOrder } from "../../api/robots";
import { robotTextsOne as words } from "../../texts/robots";
import { Confirm } from "../../ui/Confirm";

const ORDERS = {
  drain: { label: words.drain, title: words.drainTitle, text: words.drainText, icon: Pause },
  resume: { label: words.resume, title: words.resumeTitle, text: words.resumeText, icon: Play },
  restart: { label: words.restart, title: words.restartTitle, text: words.restartText, icon: RotateCw },
} as const;

/** Buttons to drain or resume, and to restart a robot, each with a confirmation and a reason. */
export function Orders({ robot }: { robot: Robot }) {
  const [asked, setAsked] = useState<RobotOrder | null>(null);
  const offered: RobotOrder[] = [robot.draining === null ? "drain" : "resume", "restart"];
  const order = ORDERS[asked ?? "drain"];
  return (
    <>
      {offered.map((name) => {
        const { label, icon: Sign } = ORDERS[name];
        return (
          <Button
            key={name}
            variant="default"
            leftSection={<Sign size={14} aria-hidden />}
            onClick={() => setAsked(name)}
          >
            {label}
          </Button>
        );
      })}
      <Confirm
        opened={asked !== null}
        title={order.title(robot.robot_id)}
        text={order.text}
        action={order.label}
        askReason
        onClose={() => setAsked(null)}
        onConfirm={async (reason) => {
          if (asked === null) return;
          await orderRobot(asked, robot.robot_id, reason);
          await queries.invalidateQueries({ queryKey: ["robots"] });
          await queries.invalidateQueries({ queryKey: ["audit"] });
        }}
      />
    </>
  );
}
