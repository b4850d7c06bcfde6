import { Group, NumberInput, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { createViewLink, type NewViewLink, revokeViewLink, viewLinks } from "../../api/access";
import { useAction } from "../../api/action";
import { reload } from "../../api/queries";
import { signInAddress } from "../../session/session";
import { accessTexts as words } from "../../texts/access";
import { ActionError } from "../../ui/ActionError";
import { Confirm } from "../../ui/Confirm";
import { CopyLine } from "../../ui/CopyLine";
import { Loaded } from "../../ui/Loaded";
import { OrderButton } from "../../ui/orders";
import { Panel } from "../../ui/Panel";
import { Time } from "../../ui/Time";

const DAYS = 365;
const MOST_DAYS = 3650;

/** Creates, lists and revokes read-only links. The address of a link is shown once, when the link is created. */
export function ViewLinks() {
  const links = useQuery(viewLinks);
  const [made, setMade] = useState<NewViewLink | null>(null);
  const [revoking, setRevoking] = useState<{ id: string; name: string } | null>(null);
  const refresh = () => reload({ queryKey: viewLinks.queryKey });
  return (
    <Panel title={words.links}>
      <Stack gap="md">
        <Text size="sm">{words.linksText}</Text>
        <NewLink
          onMade={(link) => {
            setMade(link);
            void refresh();
          }}
        />
        {made !== null && (
          <Stack gap="xs" role="status">
            <Text fw={600}>{words.created(made.name)}</Text>
            <CopyLine text={signInAddress(made.code)} label={words.created(made.name)} />
            <Text size="xs" c="dimmed">
              {words.createdText}
            </Text>
          </Stack>
        )}
        <Loaded of={links} empty={({ items }) => items.length === 0 && words.noLinks}>
          {({ items }) => (
            <Stack gap="sm">
              {items.map((link) => (
                <Group key={link.link_id} gap="4px 16px">
                  <Text>{link.name}</Text>
                  <Text size="xs" c="dimmed">
                    {words.since} <Time at={link.created_at} />, {words.until} <Time at={link.expires_at} />
                  </Text>
                  <OrderButton
                    size="compact-xs"
                    variant="default"
                    ml="auto"
                    onClick={() => setRevoking({ id: link.link_id, name: link.name })}
                  >
                    {words.revoke}
                  </OrderButton>
                </Group>
              ))}
            </Stack>
          )}
        </Loaded>
      </Stack>
      <Confirm
        opened={revoking !== null}
        title={words.revokeTitle(revoking?.name ?? "")}
        text={words.revokeText}
        action={words.revoke}
        danger
        onClose={() => setRevoking(null)}
        onConfirm={async () => {
          if (revoking !== null) await revokeViewLink(revoking.id);
          if (revoking?.id === made?.link_id) setMade(null);
          await refresh();
        }}
      />
    </Panel>
  );
}

function NewLink({ onMade }: { onMade: (link: NewViewLink) => void }) {
  const [name, setName] = useState("");
  const [days, setDays] = useState<number | string>(DAYS);
  const action = useAction(async (key, wanted: string, life: number) => {
    onMade(await createViewLink(key, wanted, life));
    setName("");
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void action.run(name.trim(), Number(days));
  };
  return (
    <form onSubmit={submit}>
      <Group align="end" gap="sm">
        <TextInput
          label={words.name}
          placeholder={words.nameHint}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          pattern=".*\S.*"
          maxLength={256}
          required
        />
        <NumberInput label={words.days} value={days} onChange={setDays} min={1} max={MOST_DAYS} required w={180} />
        <OrderButton type="submit" loading={action.busy}>
          {words.create}
        </OrderButton>
      </Group>
      <ActionError error={action.error} />
    </form>
  );
}
