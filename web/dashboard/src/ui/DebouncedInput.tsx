import Search from "lucide:search";
import { TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";

const PAUSE_MS = 250;

interface Props {
  value: string | undefined;
  onChange: (value: string | undefined) => void;
  label: string;
  width: number;
  /** The search field of the page: the key `/` moves the focus here. */
  pageSearch?: boolean;
}

/**
 * A text field that calls `onChange` after a pause in typing, or at once on Enter, with the trimmed text or undefined
 * when it is empty. A render of its parent neither delays the call nor changes the text.
 */
export function DebouncedInput({ value = "", onChange, label, width, pageSearch = false }: Props) {
  const [text, setText] = useState(value);
  const newest = useRef({ value, onChange });
  newest.current = { value, onChange };
  /** Values that were passed to `onChange` and did not come back as `value` yet, oldest first. */
  const underway = useRef<string[]>([]);

  useEffect(() => {
    const place = underway.current.indexOf(value);
    underway.current = place < 0 ? [] : underway.current.slice(place + 1);
    if (place < 0) setText(value); // another control changed the value
  }, [value]);

  const apply = (typed: string) => {
    const wanted = typed.trim();
    if (wanted === (underway.current.at(-1) ?? newest.current.value)) return;
    underway.current.push(wanted);
    newest.current.onChange(wanted || undefined);
  };
  const applying = useRef(apply);
  applying.current = apply;
  // The text alone restarts the pause: live data renders the page many times a second.
  useEffect(() => {
    const timer = setTimeout(() => applying.current(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);

  return (
    <TextInput
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter") apply(event.currentTarget.value);
      }}
      placeholder={label}
      aria-label={label}
      w={width}
      {...(pageSearch ? { "data-page-search": true, leftSection: <Search size={14} aria-hidden /> } : {})}
    />
  );
}
