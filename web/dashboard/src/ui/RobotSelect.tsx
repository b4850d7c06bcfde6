import { Select } from "@mantine/core";
import { useCallback, useMemo } from "react";
import { useRobots } from "../live/live";
import { common } from "../texts/common";
import { useRobotNames } from "./RobotLink";

/** Returns the choices of a field for these robots: a name has its id beside it, because names may be equal. */
export function useRobotChoices(): (robotIds: Iterable<string>) => { value: string; label: string }[] {
  const nameOf = useRobotNames();
  return useCallback(
    (robotIds) =>
      [...robotIds]
        .map((value) => ({ value, label: nameOf(value) === value ? value : `${nameOf(value)} (${value})` }))
        .sort((a, b) => a.label.localeCompare(b.label)),
    [nameOf],
  );
}

/** Selects one robot, or none. Offers the robots that the user may see. */
export function RobotSelect({
  value,
  onChange,
}: {
  value: string | undefined;
  onChange: (robot: string | undefined) => void;
}) {
  const robots = useRobots();
  const choices = useRobotChoices();
  const ids = [...robots.keys()].sort().join(" ");
  const data = useMemo(() => choices(ids === "" ? [] : ids.split(" ")), [ids, choices]);
  return (
    <Select
      data={data}
      value={value ?? null}
      onChange={(robot) => onChange(robot ?? undefined)}
      placeholder={common.anyRobot}
      aria-label={common.anyRobot}
      searchable
      clearable
      limit={100}
      w={160}
    />
  );
}
