import { Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { endSignIn, signIns } from "../../api/access";
import { reload } from "../../api/queries";
import { accessTexts as words } from "../../texts/access";
import { Confirm } from "../../ui/Confirm";
import { Loaded } from "../../ui/Loaded";
import { OrderButton } from "../../ui/orders";
import { Panel } from "../../ui/Panel";
import { Time } from "../../ui/Time";

/** The sign-ins that have not ended. */
export function SignIns() {
  const open = useQuery(signIns);
  const [ending, setEnding] = useState<string | null>(null);
  return (
    <Panel title={words.sessions}>
      <Loaded of={open} empty={({ items }) => items.length === 0 && words.noSessions}>
        {({ items }) => (
          <Stack gap="sm">
            {items.map((one) => (
              <Group key={one.session_id} gap="4px 16px">
                <Text>{one.username}</Text>
                <Text size="xs" c="dimmed">
                  {words.from(one.address)}, {words.signedIn} <Time at={one.signed_in_at} />
                </Text>
                <OrderButton size="compact-xs" variant="default" ml="auto" onClick={() => setEnding(one.session_id)}>
                  {words.end}
                </OrderButton>
              </Group>
            ))}
          </Stack>
        )}
      </Loaded>
      <Confirm
        opened={ending !== null}
        title={words.endTitle}
        text={words.endText}
        action={words.end}
        danger
        onClose={() => setEnding(null)}
        onConfirm={async () => {
          if (ending !== null) await endSignIn(ending);
          await reload({ queryKey: signIns.queryKey });
        }}
      />
    </Panel>
  );
}
