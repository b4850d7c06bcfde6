import { Group, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { useEffect, useState } from "react";
import { queueList } from "../../api/queues";
import { common } from "../../texts/common";
import { jobTexts } from "../../texts/jobs";
import { RobotSelect } from "../../ui/RobotSelect";
import type { JobStatus } from "../../ui/StatusBadge";
import type { JobSearch } from "./search";

const words = jobTexts.filters;
const TYPING_MS = 250;

const STATUSES = [
  ...Object.entries(common.status).map(([value, label]) => ({ value, label })),
  { value: "failed/cancelled", label: common.reason.cancelled },
  { value: "failed/robot_lost", label: common.reason.robot_lost },
  { value: "failed/timeout", label: common.reason.timeout },
];

/** The filters live in the address, so that they can be sent to somebody. */
export function JobFilters({ search }: { search: JobSearch }) {
  const navigate = useNavigate();
  const { data: queues } = useQuery(queueList);
  const [text, setText] = useState(search.q ?? "");
  useEffect(() => setText(search.q ?? ""), [search.q]);

  const set = (change: { [name in keyof JobSearch]?: JobSearch[name] | undefined }) => {
    const next = Object.fromEntries(Object.entries({ ...search, ...change }).filter(([, value]) => value)) as JobSearch;
    void navigate({ to: "/jobs", search: next, replace: true });
  };
  useEffect(() => {
    if (text === (search.q ?? "")) return;
    const timer = setTimeout(() => set({ q: text.trim() || undefined }), TYPING_MS);
    return () => clearTimeout(timer);
  });

  const status = search.reason !== undefined ? `failed/${search.reason}` : (search.status ?? null);
  return (
    <Group gap="sm" mb="sm" role="search">
      <TextInput
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        placeholder={words.search}
        aria-label={words.search}
        leftSection={<Search size={14} aria-hidden />}
        w={240}
        data-page-search
      />
      <Select
        data={STATUSES}
        value={status}
        onChange={(value) => {
          const [state, reason] = (value ?? "").split("/");
          set({ status: (state || undefined) as JobStatus | undefined, reason: reason as JobSearch["reason"] });
        }}
        placeholder={words.anyStatus}
        aria-label={words.status}
        clearable
        w={150}
      />
      <Select
        data={queues?.items.map((queue) => queue.queue) ?? []}
        value={search.queue ?? null}
        onChange={(value) => set({ queue: value ?? undefined })}
        placeholder={words.anyQueue}
        aria-label={words.queue}
        clearable
        w={140}
      />
      <RobotSelect value={search.robot} onChange={(robot) => set({ robot })} />
    </Group>
  );
}
