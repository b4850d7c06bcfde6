import type { RobotChange } from "../../api/robots";

/** The fields of a robot that a user can change. `slots` is null for the number that the robot reports. */
export interface RobotFields {
  name: string;
  slots: number | null;
  tags: string[];
}

/** The changed fields. Tags are added and removed one by one, so that tags that another user added meanwhile stay. */
export function changesOf(before: RobotFields, after: RobotFields): RobotChange {
  const added = after.tags.filter((tag) => !before.tags.includes(tag));
  const removed = before.tags.filter((tag) => !after.tags.includes(tag));
  return {
    ...(after.name === before.name ? {} : { name: after.name }),
    ...(after.slots === before.slots ? {} : { max_concurrent_jobs: after.slots }),
    ...(added.length === 0 ? {} : { add_tags: added }),
    ...(removed.length === 0 ? {} : { remove_tags: removed }),
  };
}
