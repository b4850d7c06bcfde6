import { ActionIcon, Menu, useMantineColorScheme } from "@mantine/core";
import { common } from "../texts/common";
import { THEMES } from "./ThemeSwitch";

/** The menu of the themes, open when it is first shown. */
export function ThemeMenu({ icon: Sign }: { icon: (typeof THEMES)[number]["icon"] }) {
  const { setColorScheme } = useMantineColorScheme();
  return (
    <Menu position="top-start" withinPortal defaultOpened>
      <Menu.Target>
        <ActionIcon variant="subtle" size="lg" aria-label={common.theme.label}>
          <Sign size={16} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {THEMES.map(({ value, label, icon: Sign }) => (
          <Menu.Item key={value} leftSection={<Sign size={14} aria-hidden />} onClick={() => setColorScheme(value)}>
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
