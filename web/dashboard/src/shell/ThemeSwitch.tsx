import { ActionIcon, Menu, useMantineColorScheme } from "@mantine/core";
import { Monitor, Moon, Sun } from "lucide-react";
import { common } from "../texts/common";

export const THEMES = [
  { value: "light", label: common.theme.light, icon: Sun },
  { value: "dark", label: common.theme.dark, icon: Moon },
  { value: "auto", label: common.theme.auto, icon: Monitor },
] as const;

export function ThemeSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const Current = THEMES.find((choice) => choice.value === colorScheme)?.icon ?? Monitor;
  return (
    <Menu position="top-start" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" size="lg" aria-label={common.theme.label}>
          <Current size={16} aria-hidden />
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
