import {
  createTheme,
  defaultVariantColorsResolver,
  type MantineColorsTuple,
  type VariantColorsResolver,
} from "@mantine/core";

import { common } from "./texts/common";

/** Neutral colours for text and actions. Other colours are reserved for states. */
const ink: MantineColorsTuple = [
  "#f4f5f7",
  "#e4e6ea",
  "#cdd1d8",
  "#a4abb8",
  "#8b93a1",
  "#6b7280",
  "#565d6b",
  "#3a404b",
  "#262a32",
  "#16181d",
];

const dark: MantineColorsTuple = [
  "#e8eaee",
  "#c3c8d1",
  "#a4abb8",
  "#8b93a1",
  "#4a515e",
  "#333944",
  "#22262e",
  "#16191f",
  "#0f1115",
  "#0a0b0e",
];

/** Filled elements in ink or in the colour of a state have text in the surface colour, in both colour schemes. */
const paperOnInk: VariantColorsResolver = (input) => {
  const colors = defaultVariantColorsResolver(input);
  const color = input.color ?? "ink";
  if (input.variant !== "filled" || !(color === "ink" || color.startsWith("var("))) return colors;
  return { ...colors, color: "var(--surface)", hover: color === "ink" ? "var(--ink-2)" : colors.hover };
};

export const theme = createTheme({
  variantColorResolver: paperOnInk,
  primaryColor: "ink",
  primaryShade: { light: 9, dark: 0 },
  autoContrast: true,
  luminanceThreshold: 0.4,
  colors: { ink, dark },
  black: "#16181d",
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: "'JetBrains Mono Variable', ui-monospace, monospace",
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.25rem" },
  lineHeights: { xs: "1.4", sm: "1.45", md: "1.5", lg: "1.5", xl: "1.3" },
  headings: {
    fontWeight: "600",
    sizes: {
      h1: { fontSize: "1.25rem", lineHeight: "1.3" },
      h2: { fontSize: "1rem", lineHeight: "1.4" },
      h3: { fontSize: "0.875rem", lineHeight: "1.5" },
    },
  },
  spacing: { xs: "0.25rem", sm: "0.5rem", md: "1rem", lg: "1.5rem", xl: "2rem" },
  radius: { xs: "3px", sm: "4px", md: "6px", lg: "10px", xl: "16px" },
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: "sm" } },
    TextInput: { defaultProps: { size: "sm" } },
    SegmentedControl: { styles: { root: { backgroundColor: "var(--surface-2)" } } },
    Select: { defaultProps: { size: "sm" } },
    Modal: { defaultProps: { closeButtonProps: { "aria-label": common.close } } },
    Drawer: { defaultProps: { closeButtonProps: { "aria-label": common.close } } },
    // The choices of a closed field are not in the page: with hundreds of robots they are most of it.
    Combobox: { defaultProps: { keepMounted: false, shadow: "md" } },
    Checkbox: { defaultProps: { iconColor: "var(--surface)" } },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: false } },
  },
});
