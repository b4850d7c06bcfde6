import { CloseButton, Group, List, Modal, Stack, Text, Title } from "@mantine/core";
import { newsTexts as words } from "../texts/news";
import { NOTES, type Note } from "../texts/notes";
import { ViewButton } from "../ui/orders";
import { useEarlierLayout, useSeenVersion } from "../ui/preferences";
import { VERSION } from "../version";
import classes from "./shell.module.css";
import { unseenNote } from "./unseenNote";

/** After an update: what changed, once, until it is closed. */
export function NewsNotice() {
  const [seen, setSeen] = useSeenVersion();
  const note = unseenNote(NOTES, seen, VERSION);
  if (note === null) return null;
  return (
    <section className={classes.news} aria-label={words.title(note.version)}>
      <Group justify="space-between" align="flex-start" wrap="nowrap">
        <Changes note={note} />
        <CloseButton aria-label={words.dismiss} onClick={() => setSeen(VERSION)} />
      </Group>
      <Text size="xs" c="dimmed" mt="xs">
        {words.keptIn}
      </Text>
    </section>
  );
}

/** What each version changed. */
export function NewsPanel({ onClose }: { onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} title={words.all} centered>
      <Stack gap="lg">
        {NOTES.map((note) => (
          <Changes key={note.version} note={note} />
        ))}
      </Stack>
    </Modal>
  );
}

function Changes({ note: { version, lines, layout } }: { note: Note }) {
  return (
    <Stack gap="sm" align="flex-start">
      <Title order={2} size="h3">
        {words.title(version)}
      </Title>
      <List size="sm" spacing={2}>
        {lines.map((line) => (
          <List.Item key={line}>{line}</List.Item>
        ))}
      </List>
      {layout !== undefined && <LayoutSwitch layout={layout} />}
    </Stack>
  );
}

function LayoutSwitch({ layout }: { layout: NonNullable<Note["layout"]> }) {
  const [earlier, setEarlier] = useEarlierLayout(layout);
  const { useEarlier, useNew } = words.layout[layout];
  return (
    <ViewButton size="compact-sm" variant="default" onClick={() => setEarlier(!earlier)}>
      {earlier ? useNew : useEarlier}
    </ViewButton>
  );
}
