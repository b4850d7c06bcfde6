import { asError } from "@casare/client";
import { Button, Group, TagsInput, Text } from "@mantine/core";
import { useState } from "react";
import { queries } from "../../api/queries";
import { changeRobot, type Robot } from "../../api/robots";
import { robotTextsOne as words } from "../../texts/robots";

const same = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((tag) => b.includes(tag));

export function Tags({ robot }: { robot: Robot }) {
  const [tags, setTags] = useState(robot.tags);
  const [error, setError] = useState<string | null>(null);
  const save = async () => {
    setError(null);
    try {
      await changeRobot(robot.robot_id, { tags });
      await queries.invalidateQueries({ queryKey: ["robots"] });
    } catch (problem) {
      setError(asError(problem).message);
    }
  };
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
          <Button variant="default" onClick={() => void save()}>
            {words.saveTags}
          </Button>
        )}
      </Group>
      {error !== null && (
        <Text c="error" role="alert" mt="xs">
          {error}
        </Text>
      )}
    </>
  );
}
