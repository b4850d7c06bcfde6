import Monitor from "lucide:monitor";
import Moon from "lucide:moon";
import Sun from "lucide:sun";
import { ActionIcon, useMantineColorScheme } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { common } from "../texts/common";

export const THEMES = [
  { value: "light", label: common.theme.light, icon: Sun },
  { value: "dark", label: common.theme.dark, icon: Moon },
  { value: "auto", label: common.theme.auto, icon: Monitor },
] as const;

// Loaded when it is first opened, so that the first page is small.
const ThemeMenu = lazy(async () => ({ default: (await import("./ThemeMenu")).ThemeMenu }));

/** A button that opens the menu of the themes. */
export function ThemeSwitch() {
  const { colorScheme } = useMantineColorScheme();
  const [asked, setAsked] = useState(false);
  const Current = THEMES.find((choice) => choice.value === colorScheme)?.icon ?? Monitor;
  const button = (
    <ActionIcon
      variant="subtle"
      size="lg"
      aria-label={common.theme.label}
      aria-haspopup="menu"
      onClick={() => setAsked(true)}
    >
      <Current size={16} aria-hidden />
    </ActionIcon>
  );
  if (!asked) return button;
  return (
    <Suspense fallback={button}>
      <ThemeMenu icon={Current} />
    </Suspense>
  );
}
