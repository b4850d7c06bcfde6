import { TextInput } from "@mantine/core";
import { Search } from "lucide-react";
import { useEffect, useState } from "react";

const PAUSE_MS = 250;

interface Props {
  value: string | undefined;
  onChange: (value: string | undefined) => void;
  label: string;
  width: number;
  /** The search field of the page: the key `/` moves the focus here. */
  pageSearch?: boolean;
}

/** A text field that calls `onChange` after a pause in typing, with the trimmed text or undefined when it is empty. */
export function DebouncedInput({ value, onChange, label, width, pageSearch = false }: Props) {
  const [text, setText] = useState(value ?? "");
  useEffect(() => setText(value ?? ""), [value]);
  useEffect(() => {
    if (text === (value ?? "")) return;
    const timer = setTimeout(() => onChange(text.trim() || undefined), PAUSE_MS);
    return () => clearTimeout(timer);
  });
  return (
    <TextInput
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      placeholder={label}
      aria-label={label}
      w={width}
      {...(pageSearch ? { "data-page-search": true, leftSection: <Search size={14} aria-hidden /> } : {})}
    />
  );
}
