import { Group } from "@mantine/core";
import { common, type ShownRobotState } from "../../texts/common";
import { count } from "../../texts/format";
import { robotTexts as words } from "../../texts/robots";
import classes from "./RobotMap.module.css";

const STATES = ["offline", "draining", "busy", "idle"] as const;

/** The number of robots by state. A press shows the robots in this state only; another press shows all. */
export function StateChips({
  counts,
  chosen,
  onChange,
}: {
  counts: Readonly<Record<ShownRobotState, number>>;
  chosen: ShownRobotState | undefined;
  onChange: (state: ShownRobotState | undefined) => void;
}) {
  const total = STATES.reduce((sum, state) => sum + counts[state], 0);
  return (
    <Group gap={6} role="group" aria-label={words.states}>
      <button
        type="button"
        className={classes.chip}
        aria-pressed={chosen === undefined}
        onClick={() => onChange(undefined)}
      >
        {words.anyState} <span className="number">{count(total)}</span>
      </button>
      {STATES.map((state) => (
        <button
          key={state}
          type="button"
          className={classes.chip}
          aria-pressed={chosen === state}
          onClick={() => onChange(chosen === state ? undefined : state)}
        >
          <span className={classes.swatch} data-state={state} aria-hidden />
          {common.robot[state]} <span className="number">{count(counts[state])}</span>
        </button>
      ))}
    </Group>
  );
}
