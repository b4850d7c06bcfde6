import { Alert, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { reload } from "../../api/queries";
import { type Ordered, orderRobots, type Robot, type RobotOrder } from "../../api/robots";
import { robotBulkTexts as words } from "../../texts/robots";
import { plain } from "../../texts/safe";
import { Confirm } from "../../ui/Confirm";
import { OrderButton, useCanAct, ViewButton } from "../../ui/orders";
import { affectedBy, type Shown } from "./state";

interface Props {
  shown: readonly Shown[];
  selected: ReadonlySet<string>;
  filtered: boolean;
  onClear: () => void;
}

const ORDERS = ["drain", "resume", "restart"] as const;
const NAMED = 5;
const REFUSED = 10;

/** Orders to the selected robots, or to all that are shown when there is a filter and no selection. */
export function RobotBulk({ shown, selected, filtered, onClear }: Props) {
  // The dialog keeps the robots that it was opened with, because the list can change while it is open.
  const [asked, setAsked] = useState<{ order: RobotOrder; robots: readonly Robot[]; chosen: number } | null>(null);
  const [done, setDone] = useState<Ordered | null>(null);
  const canAct = useCanAct();
  const chosen = selected.size > 0 ? shown.filter(({ robot }) => selected.has(robot.robot_id)) : filtered ? shown : [];
  const ask = (order: RobotOrder) => {
    const robots = chosen.map(({ robot }) => robot);
    setAsked({ order, robots: affectedBy(order, robots), chosen: robots.length });
  };
  const act = async (reason: string) => {
    if (asked === null) return;
    const { order, robots } = asked;
    try {
      const ordered = await orderRobots(
        order,
        robots.map((robot) => robot.robot_id),
        reason,
      );
      if (ordered.refused.length > 0) setDone(ordered);
      else setDone(null);
      notifications.show({ message: words.done(order, ordered.robot_ids.length, ordered.unchanged) });
      onClear();
    } finally {
      void reload({ queryKey: ["robots"] });
      void reload({ queryKey: ["audit"] });
    }
  };
  const order = asked?.order ?? "drain";
  const number = asked?.robots.length ?? 0;
  const label = selected.size > 0 ? words.selected(chosen.length) : words.allShown(chosen.length);
  return (
    <>
      {done !== null && (
        <Alert
          color="var(--failed)"
          mb="sm"
          title={words.refused(done.refused.length, done.matched)}
          withCloseButton
          closeButtonLabel={words.close}
          onClose={() => setDone(null)}
        >
          {done.refused.slice(0, REFUSED).map((one) => (
            <div key={one.robot_id}>{plain(one.message)}</div>
          ))}
          {done.refused.length > REFUSED && words.more(done.refused.length - REFUSED)}
        </Alert>
      )}
      {canAct && chosen.length > 0 && (
        <Group gap="sm" mb="sm" role="region" aria-label={label}>
          <Text fw={500} className="number">
            {label}
          </Text>
          {ORDERS.map((one) => (
            <OrderButton key={one} size="compact-sm" variant="default" onClick={() => ask(one)}>
              {words.orders[one]}
            </OrderButton>
          ))}
          {selected.size > 0 && (
            <ViewButton size="compact-sm" variant="subtle" onClick={onClear}>
              {words.clear}
            </ViewButton>
          )}
        </Group>
      )}
      <Confirm
        opened={asked !== null}
        title={words.title(order, number)}
        text={
          number === 0 ? (
            words.nothing(order)
          ) : (
            <>
              <Text mb="xs">{namesOf(asked?.robots ?? [])}</Text>
              <Text>{words.text[order]}</Text>
              {(asked?.chosen ?? 0) > number && (
                <Text mt="xs" c="dimmed">
                  {words.skipped(order, (asked?.chosen ?? 0) - number)}
                </Text>
              )}
            </>
          )
        }
        action={words.title(order, number)}
        disabled={number === 0}
        askReason
        onClose={() => setAsked(null)}
        onConfirm={act}
      />
    </>
  );
}

/** The first names, and the number of further robots. */
function namesOf(robots: readonly Robot[]): string {
  const names = robots.slice(0, NAMED).map((robot) => plain(robot.name || robot.robot_id));
  return robots.length > NAMED ? `${names.join(", ")} ${words.more(robots.length - NAMED)}` : names.join(", ");
}
