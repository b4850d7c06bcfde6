import { Group, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type Change, changed } from "../../address/change";
import type { JobSearch } from "../../address/jobs";
import { queueList } from "../../api/queues";
import { common, type JobStatus } from "../../texts/common";
import { jobTexts } from "../../texts/jobs";
import { DebouncedInput } from "../../ui/DebouncedInput";
import { RobotSelect } from "../../ui/RobotSelect";

const words = jobTexts.filters;

const STATUSES = [
  ...Object.entries(common.status).map(([value, label]) => ({ value, label })),
  { value: "failed/cancelled", label: common.reason.cancelled },
  { value: "failed/robot_lost", label: common.reason.robot_lost },
  { value: "failed/timeout", label: common.reason.timeout },
];

/** Filters of the job list. They are stored in the page address, so that a link keeps them. */
export function JobFilters({ search }: { search: JobSearch }) {
  const navigate = useNavigate();
  const { data: queues } = useQuery(queueList);
  const set = (change: Change<JobSearch>) =>
    void navigate({ to: "/jobs", search: changed(search, change), replace: true });

  const status = search.reason !== undefined ? `failed/${search.reason}` : (search.status ?? null);
  return (
    <Group gap="sm" mb="sm" role="search">
      <DebouncedInput value={search.q} onChange={(q) => set({ q })} label={words.search} width={240} pageSearch />
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
