import { useLocalStorage } from "@mantine/hooks";
import { BASE } from "../address/base";
import type { ChangedLayout } from "../texts/notes";

/** Preferences of this browser, as the theme is one. They hold no data of jobs or robots. */
const keyOf = (name: string) => `casare-${name}${BASE}`;

/** The version whose changes the user has seen; null on the first visit. */
export function useSeenVersion(): [string | null, (version: string) => void] {
  const [seen, setSeen] = useLocalStorage<string | null>({
    key: keyOf("seen-version"),
    defaultValue: null,
    getInitialValueInEffect: false,
  });
  return [seen, setSeen];
}

/** Whether this browser uses the earlier one of a changed layout. */
export function useEarlierLayout(layout: ChangedLayout): [boolean, (earlier: boolean) => void] {
  const [earlier, setEarlier] = useLocalStorage({
    key: keyOf(`earlier-${layout}`),
    defaultValue: false,
    getInitialValueInEffect: false,
  });
  return [earlier, setEarlier];
}
