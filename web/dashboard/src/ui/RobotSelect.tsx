import { Select } from "@mantine/core";
import { useRobots } from "../live/live";
import { common } from "../texts/common";

/** Selects one robot, or none. Offers the robots that the user may see. */
export function RobotSelect({
  value,
  onChange,
}: {
  value: string | undefined;
  onChange: (robot: string | undefined) => void;
}) {
  const robots = useRobots();
  return (
    <Select
      data={[...robots.keys()].sort()}
      value={value ?? null}
      onChange={(robot) => onChange(robot ?? undefined)}
      placeholder={common.anyRobot}
      aria-label={common.anyRobot}
      searchable
      clearable
      w={160}
    />
  );
}
