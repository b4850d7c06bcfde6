import { Button, Group, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { customRange, isRecent, RECENT, rangeFields, type TimeRange } from "../address/range";
import { common } from "../texts/common";
import { dayTime, timeZone } from "../texts/format";

const words = common.range;
const CUSTOM = "custom";

interface Props {
  /** What the range limits: `Created`. */
  label: string;
  value: TimeRange | undefined;
  onChange: (range: TimeRange | undefined) => void;
  /** Without it there is no choice "any time". */
  clearable?: boolean;
  /** An earlier begin is refused. */
  keptDays?: number;
  width?: number;
}

/** The text of a range: `24 h`, or its times in the zone of this page. */
export function rangeText(range: TimeRange): string {
  if (isRecent(range)) return words.recent[range];
  const fields = rangeFields(range, Date.now());
  if (fields === null) return range;
  return `${dayTime(fields.from)} – ${fields.to === null ? "" : dayTime(fields.to)}`;
}

/** Chooses a time range: 1 h, 24 h, 7 d or two times. */
export function RangeSelect({ label, value, onChange, clearable = true, keptDays, width = 175 }: Props) {
  const [asked, setAsked] = useState(false);
  const custom = value !== undefined && !isRecent(value);
  const data = [
    ...Object.keys(RECENT).map((range) => ({ value: range, label: words.of(label, rangeText(range)) })),
    ...(custom ? [{ value, label: words.of(label, rangeText(value)) }] : []),
    { value: CUSTOM, label: words.custom },
  ];
  return (
    <>
      <Select
        data={data}
        value={value ?? null}
        onChange={(chosen) => (chosen === CUSTOM ? setAsked(true) : onChange(chosen ?? undefined))}
        placeholder={words.any(label)}
        aria-label={label}
        title={custom ? `${rangeText(value)} (${timeZone})` : timeZone}
        clearable={clearable}
        allowDeselect={false}
        w={custom ? 250 : width}
      />
      <Modal opened={asked} onClose={() => setAsked(false)} title={words.title(label)} centered>
        <Times
          value={value}
          keptDays={keptDays}
          onChange={(range) => {
            setAsked(false);
            onChange(range);
          }}
        />
      </Modal>
    </>
  );
}

/** Local time as `datetime-local` fields have it. */
function fieldText(at: string): string {
  const date = new Date(at);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

interface TimesProps extends Pick<Props, "value" | "onChange"> {
  keptDays: number | undefined;
}

function Times({ value, onChange, keptDays = Number.POSITIVE_INFINITY }: TimesProps) {
  const known = rangeFields(value ?? "24h", Date.now());
  const [from, setFrom] = useState(known === null ? "" : fieldText(known.from));
  const [to, setTo] = useState(known?.to == null ? "" : fieldText(known.to));
  const wrong = to !== "" && Date.parse(to) <= Date.parse(from);
  const old = from !== "" && Date.now() - Date.parse(from) > keptDays * 86_400_000;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!wrong && !old) onChange(customRange(Date.parse(from), to === "" ? null : Date.parse(to)));
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <TextInput
          type="datetime-local"
          label={words.from}
          value={from}
          onChange={(event) => setFrom(event.currentTarget.value)}
          error={old ? words.tooOld(keptDays) : undefined}
          required
          data-autofocus
        />
        <TextInput
          type="datetime-local"
          label={words.to}
          description={words.toHint}
          value={to}
          onChange={(event) => setTo(event.currentTarget.value)}
          error={wrong ? words.wrong : undefined}
        />
        <Group justify="space-between">
          <Text size="sm" c="dimmed">
            {words.zone(timeZone)}
          </Text>
          <Button type="submit">{words.apply}</Button>
        </Group>
      </Stack>
    </form>
  );
}
