import { Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useAction } from "../../api/action";
import { reload } from "../../api/queries";
import { addKey, keysOf, revokeKey } from "../../api/robots";
import { robotTextsOne as words } from "../../texts/robots";
import { ActionError } from "../../ui/ActionError";
import { Confirm } from "../../ui/Confirm";
import { CopyLine } from "../../ui/CopyLine";
import { Loaded } from "../../ui/Loaded";
import { OrderButton } from "../../ui/orders";
import { Panel } from "../../ui/Panel";
import { Time } from "../../ui/Time";

/** The keys of a robot. The text of a key is shown once, when the key is created. */
export function RobotKeys({ robotId }: { robotId: string }) {
  const keys = useQuery(keysOf(robotId));
  const [made, setMade] = useState<string | null>(null);
  const [revoking, setRevoking] = useState<string | null>(null);
  const refresh = () => reload({ queryKey: keysOf(robotId).queryKey });
  const make = useAction(async () => {
    const key = await addKey(robotId);
    setMade(key.api_key);
    await refresh();
  });
  return (
    <Panel
      title={words.keys}
      aside={
        <OrderButton size="compact-sm" variant="default" loading={make.busy} onClick={() => void make.run()}>
          {words.newKey}
        </OrderButton>
      }
    >
      <Stack gap="sm">
        <ActionError error={make.error} />
        {made !== null && (
          <Stack gap="xs" role="status">
            <CopyLine text={made} label={words.newKey} />
            <Text size="xs" c="dimmed">
              {words.newKeyText}
            </Text>
          </Stack>
        )}
        <Loaded of={keys} empty={({ items }) => items.length === 0 && words.noKeys}>
          {({ items }) =>
            items.map((key) => (
              <Group key={key.key_id} gap="md">
                <Text className="mono">{key.key_id}</Text>
                <Text size="xs" c="dimmed">
                  {words.keyCreated} <Time at={key.created_at} />
                </Text>
                {key.revoked_at === null ? (
                  <OrderButton size="compact-xs" variant="default" ml="auto" onClick={() => setRevoking(key.key_id)}>
                    {words.revoke}
                  </OrderButton>
                ) : (
                  <Text size="xs" c="dimmed" ml="auto">
                    {words.revoked} <Time at={key.revoked_at} />
                  </Text>
                )}
              </Group>
            ))
          }
        </Loaded>
      </Stack>
      <Confirm
        opened={revoking !== null}
        title={words.revokeTitle}
        text={words.revokeText}
        action={words.revoke}
        danger
        onClose={() => setRevoking(null)}
        onConfirm={async () => {
          if (revoking !== null) await revokeKey(robotId, revoking);
          await refresh();
        }}
      />
    </Panel>
  );
}
