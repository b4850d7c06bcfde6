import { Alert, SimpleGrid, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type Instance, instanceList } from "../../api/instances";
import { instanceTexts as words } from "../../texts/instances";
import { plain } from "../../texts/safe";
import { CopyLine } from "../../ui/CopyLine";
import { EmptyState } from "../../ui/EmptyState";
import { Loaded } from "../../ui/Loaded";
import { OrderPage } from "../../ui/orders";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { InstanceCard } from "./InstanceCard";

/** The instances of the server, with their load and state. */
export function InstancesPage() {
  return (
    <>
      <PageHeader title={words.title} />
      <OrderPage>
        <Instances />
      </OrderPage>
    </>
  );
}

function Instances() {
  const list = useQuery(instanceList);
  return (
    <Loaded
      of={list}
      empty={({ items }) => items.length === 0 && <EmptyState title={words.none} text={words.noneText} />}
      lines={6}
    >
      {({ items }) => (
        <Stack gap="md">
          <Notes of={items} />
          <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
            {items.map((one) => (
              <InstanceCard key={one.instance_id} instance={one} />
            ))}
          </SimpleGrid>
          {items.length === 1 && <OnlyOne store={items[0]?.store ?? null} />}
        </Stack>
      )}
    </Loaded>
  );
}

/** Problems of instances, and an upgrade that is not complete. */
function Notes({ of: items }: { of: readonly Instance[] }) {
  const silent = items.filter((one) => one.state === "silent").length;
  const versions = [...new Set(items.flatMap((one) => one.version ?? []))].sort();
  return (
    <>
      {silent > 0 && (
        <Alert color="var(--failed)" title={words.silentTitle(silent)}>
          {words.silentText}
        </Alert>
      )}
      {versions.length > 1 && (
        <Alert color="var(--pending)" title={words.versionsTitle(versions.map(plain).join(", "))}>
          {words.versionsText}
        </Alert>
      )}
    </>
  );
}

/** The use of a second instance, and its requirements. */
function OnlyOne({ store }: { store: string | null }) {
  return (
    <Panel title={words.aloneTitle}>
      <Stack gap="sm" maw={720}>
        <Text>{words.aloneText}</Text>
        {store === "postgresql" ? (
          <Text>{words.anotherText}</Text>
        ) : (
          <>
            <Text>{words.moreText}</Text>
            <CopyLine text={words.command} label={words.commandLabel} />
          </>
        )}
      </Stack>
    </Panel>
  );
}
