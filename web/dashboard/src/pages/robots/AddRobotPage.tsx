import CircleCheck from "lucide:circle-check";
import { Alert, Group, Loader, Stack, Tabs, TagsInput, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { SERVER } from "../../address/base";
import { useAction } from "../../api/action";
import { reload } from "../../api/queries";
import { addKey, addRobot, wheel as wheelQuery } from "../../api/robots";
import { useRobots } from "../../live/live";
import { addRobotTexts as words } from "../../texts/robots";
import { ActionError } from "../../ui/ActionError";
import { CopyLine } from "../../ui/CopyLine";
import { useFocus } from "../../ui/focus";
import { LinkButton } from "../../ui/links";
import { OrderButton, OrderLink, OrderPage, ViewButton } from "../../ui/orders";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { commandsFor } from "./commands";

interface Made {
  robotId: string;
  apiKey: string;
}

/** Creates a robot with a key, shows the command that starts it, and reports when it connects. */
export function AddRobotPage() {
  const [made, setMade] = useState<Made | null>(null);
  return (
    <>
      <PageHeader title={words.title} />
      <OrderPage>
        <Stack gap="md" maw={720}>
          {made === null ? <Name onMade={setMade} /> : <Join made={made} onAgain={() => setMade(null)} />}
        </Stack>
      </OrderPage>
    </>
  );
}

function Name({ onMade }: { onMade: (made: Made) => void }) {
  const focus = useFocus();
  const [robotId, setRobotId] = useState("");
  const [tags, setTags] = useState<string[]>([]);
  const action = useAction(async (_key, name: string, wanted: string[]) => {
    await addRobot({ robot_id: name, name: "", tenant_id: "default", tags: wanted });
    const key = await addKey(name);
    void reload({ queryKey: ["robots"] });
    onMade({ robotId: name, apiKey: key.api_key });
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void action.run(robotId.trim(), tags);
  };
  return (
    <Panel title={words.robot}>
      <form onSubmit={submit}>
        <Stack gap="md">
          <TextInput
            label={words.name}
            description={words.nameHint}
            value={robotId}
            onChange={(event) => setRobotId(event.currentTarget.value)}
            pattern="[A-Za-z0-9._:\-]{1,128}"
            maxLength={128}
            error={action.error}
            required
            ref={focus}
          />
          <TagsInput label={words.tags} description={words.tagsHint} value={tags} onChange={setTags} maxTags={64} />
          <Group>
            <OrderButton type="submit" loading={action.busy}>
              {words.create}
            </OrderButton>
          </Group>
        </Stack>
      </form>
    </Panel>
  );
}

function Join({ made, onAgain }: { made: Made; onAgain: () => void }) {
  const robot = useRobots().get(made.robotId);
  const connected = robot !== undefined && robot.status !== "offline";
  const wheel = useQuery(wheelQuery);
  const commands = wheel.data && commandsFor(SERVER, wheel.data, made.robotId, made.apiKey);
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(window.location.hostname);
  return (
    <>
      <Panel title={words.commandTitle}>
        <Tabs defaultValue={local ? "here" : "unix"} variant="default">
          <Tabs.List>
            {local && <Tabs.Tab value="here">{words.here}</Tabs.Tab>}
            <Tabs.Tab value="unix">{words.unix}</Tabs.Tab>
            <Tabs.Tab value="windows">{words.windows}</Tabs.Tab>
          </Tabs.List>
          <ActionError error={wheel.error?.message ?? null} />
          {Object.entries(commands ?? {}).map(([system, command]) => (
            <Tabs.Panel key={system} value={system} pt="sm">
              <CopyLine text={command} label={words.commandTitle} />
            </Tabs.Panel>
          ))}
        </Tabs>
        <Text size="xs" c="dimmed" mt="sm">
          {words.commandHint} {local && words.loopback}
        </Text>
      </Panel>
      <div role="status">
        {connected ? (
          <Alert color="var(--completed)" icon={<CircleCheck aria-hidden />} title={words.connected(made.robotId)}>
            <Group gap="sm" mt="xs">
              <OrderLink to="/jobs/new" search={{ robot: made.robotId }}>
                {words.runOne}
              </OrderLink>
              <LinkButton variant="default" to="/robots/$robotId" params={{ robotId: made.robotId }}>
                {words.open}
              </LinkButton>
              <ViewButton variant="subtle" onClick={onAgain}>
                {words.another}
              </ViewButton>
            </Group>
          </Alert>
        ) : (
          <Alert color="var(--pending)" icon={<Loader size="xs" color="var(--pending)" />} title={words.waiting}>
            {words.waitingText}
          </Alert>
        )}
      </div>
    </>
  );
}
