import { Pill, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type Change, changed } from "../../address/change";
import { type JobSearch, NOT_CANCELLED, OPEN } from "../../address/jobs";
import { queueList } from "../../api/queues";
import { common } from "../../texts/common";
import { jobTexts } from "../../texts/jobs";
import { plain } from "../../texts/safe";
import { DebouncedInput } from "../../ui/DebouncedInput";
import { FilterBar } from "../../ui/Filters";
import { choicesOf } from "../../ui/Loaded";
import { RangeSelect } from "../../ui/RangeSelect";
import { RobotSelect } from "../../ui/RobotSelect";

const words = jobTexts.filters;

const STATUSES = [
  ...Object.entries(common.status).map(([value, label]) => ({ value, label })),
  { value: OPEN, label: words.open },
  { value: `failed/${NOT_CANCELLED}`, label: words.notCancelled },
  { value: "failed/cancelled", label: common.reason.cancelled },
  { value: "failed/robot_lost", label: common.reason.robot_lost },
  { value: "failed/timeout", label: common.reason.timeout },
];

interface Props {
  search: JobSearch;
  /** The error of the failures that `search.fingerprint` has in common. */
  failure: string | null | undefined;
}

/** Filters of the job list. They are stored in the page address, so that a link keeps them. */
export function JobFilters({ search, failure }: Props) {
  const navigate = useNavigate();
  const queues = useQuery(queueList);
  const set = (change: Change<JobSearch>) =>
    void navigate({ to: "/jobs", search: changed(search, change), replace: true });

  const status = search.reason === undefined ? (search.status ?? null) : `${search.status ?? ""}/${search.reason}`;
  const other =
    status === null || STATUSES.some((one) => one.value === status) ? [] : [{ value: status, label: status }];
  return (
    <FilterBar>
      <DebouncedInput value={search.q} onChange={(q) => set({ q })} label={words.search} width={240} pageSearch />
      <Select
        data={[...STATUSES, ...other]}
        value={status}
        onChange={(value) => {
          const [state, reason] = (value ?? "").split("/");
          set({ status: state || undefined, reason });
        }}
        placeholder={words.anyStatus}
        aria-label={words.status}
        clearable
        w={150}
      />
      <Select
        data={choicesOf(queues).map((queue) => queue.queue)}
        value={search.queue ?? null}
        onChange={(value) => set({ queue: value ?? undefined })}
        placeholder={words.anyQueue}
        aria-label={words.queue}
        clearable
        w={140}
      />
      <RobotSelect value={search.robot} onChange={(robot) => set({ robot })} />
      <RangeSelect label={words.created} value={search.created} onChange={(created) => set({ created })} />
      <RangeSelect
        label={words.ended}
        value={search.ended}
        onChange={(ended) => set({ ended, sort: ended === undefined ? search.sort : undefined })}
      />
      {search.workflow !== undefined && (
        <Pill size="md" withRemoveButton onRemove={() => set({ workflow: undefined })}>
          {words.ofWorkflow(plain(search.workflow))}
        </Pill>
      )}
      {search.fingerprint !== undefined && (
        <Pill size="md" maw={420} withRemoveButton onRemove={() => set({ fingerprint: undefined })}>
          {words.likeFailure(plain(failure ?? search.fingerprint))}
        </Pill>
      )}
    </FilterBar>
  );
}
