import { Group, Kbd, Modal, Stack, Table, Text } from "@mantine/core";
import { common } from "../texts/common";
import { MODIFIER } from "../ui/keys";
import { useCanAct } from "../ui/orders";
import { keyOfPage, usePages } from "./pages";

const words = common.keys;

const KEYS = (pages: ReturnType<typeof usePages>, canAct: boolean): (readonly [readonly string[], string])[] => [
  [[MODIFIER, "K"], words.palette],
  [["?"], words.help],
  [["/"], words.search],
  [["j"], words.down],
  [["k"], words.up],
  [["Enter"], words.open],
  ...(canAct ? [[["x"], words.select] as const] : []),
  [["Esc"], words.close],
  [["n", "N"], words.match],
  [["e", "E"], words.error],
  [["c"], words.context],
  ...pages.map((page, index) => [["g", keyOfPage(index)], words.go(page.label)] as const),
];

export function KeyHelp({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title={words.title} centered>
      <Stack gap="sm">
        <Text c="dimmed" size="xs">
          {words.general}
        </Text>
        <Table verticalSpacing={6}>
          <Table.Tbody>
            {KEYS(usePages(), useCanAct()).map(([keys, what]) => (
              <Table.Tr key={what}>
                <Table.Td w={120}>
                  <Group gap={4}>
                    {keys.map((key) => (
                      <Kbd key={key}>{key}</Kbd>
                    ))}
                  </Group>
                </Table.Td>
                <Table.Td>{what}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Stack>
    </Modal>
  );
}
