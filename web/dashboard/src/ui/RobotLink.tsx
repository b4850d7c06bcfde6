import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useCallback } from "react";
import { robotNames } from "../api/robots";
import { plain } from "../texts/safe";

/** Returns the display name of a robot, or its id if it has no name. */
export function useRobotNames(): (robotId: string) => string {
  const names = useQuery(robotNames).data;
  return useCallback((robotId) => plain(names?.get(robotId) ?? robotId), [names]);
}

/** The name of a robot. The tooltip is its id. */
export function RobotName({ id }: { id: string }) {
  return <span title={id}>{useRobotNames()(id)}</span>;
}

/** The name of a robot, as a link to its page. The tooltip is its id. */
export function RobotLink({ id, focusable = true }: { id: string; focusable?: boolean }) {
  return (
    <Link
      to="/robots/$robotId"
      params={{ robotId: id }}
      className="link clip"
      title={id}
      onClick={(event) => event.stopPropagation()}
      {...(focusable ? {} : { tabIndex: -1 })}
    >
      {useRobotNames()(id)}
    </Link>
  );
}
