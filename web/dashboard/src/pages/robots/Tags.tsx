import { Button, Group, TagsInput } from "@mantine/core";
import { useState } from "react";
import { useAction } from "../../api/action";
import { queries } from "../../api/queries";
import { changeRobot, type Robot } from "../../api/robots";
import { robotTextsOne as words } from "../../texts/robots";
import { ActionError } from "../../ui/ActionError";

const same = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((tag) => b.includes(tag));

export function Tags({ robot }: { robot: Robot }) {
  const [tags, setTags] = useState(robot.tags);
  const action = useAction(async (_key, wanted: string[]) => {
    await changeRobot(robot.robot_id, { tags: wanted });
    await queries.invalidateQueries({ queryKey: ["robots"] });
  });
  return (
    <>
      <Group align="flex-end" gap="sm">
        <TagsInput
          aria-label={words.tags}
          description={words.tagsHint}
          value={tags}
          onChange={setTags}
          maxTags={64}
          style={{ flex: 1, maxWidth: 480 }}
        />
        {!same(tags, robot.tags) && (
          <Button variant="default" loading={action.busy} onClick={() => void action.run(tags)}>
            {words.saveTags}
          </Button>
        )}
      </Group>
      <ActionError error={action.error} />
    </>
  );
}
