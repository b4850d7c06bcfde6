import Download from "lucide:download";
import Plus from "lucide:plus";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { isFiltered, type JobSearch, searchOfJobs } from "../../address/jobs";
import { useAction } from "../../api/action";
import { exportJobs, type Job, jobCount, jobList } from "../../api/jobs";
import { common } from "../../texts/common";
import { count } from "../../texts/format";
import { jobTexts as words } from "../../texts/jobs";
import { plain } from "../../texts/safe";
import { ActionError } from "../../ui/ActionError";
import { DataTable, sortOfTable } from "../../ui/DataTable";
import { EmptyState } from "../../ui/EmptyState";
import { FilterCount, type Filters, NothingShown } from "../../ui/Filters";
import { Loaded } from "../../ui/Loaded";
import { OrderLink, ViewButton } from "../../ui/orders";
import { PageHeader } from "../../ui/PageHeader";
import { BulkBar } from "./BulkBar";
import { JobFilters } from "./JobFilters";
import { jobColumns, messageOf } from "./jobColumns";
import { useLiveList } from "./useLiveList";

const toneOf = (job: Job) => (job.status === "failed" && job.reason !== "cancelled" ? "failed" : undefined);
const noteOf = (job: Job) => {
  const message = messageOf(job, []);
  return message === null ? null : plain(message);
};
const NO_ROWS: Job[] = [];
const idOf = (job: Job) => job.job_id;

interface Chosen {
  ids: ReadonlySet<string>;
  /** All jobs that match the filters, not only `ids`. */
  everything: boolean;
}
const NOTHING: Chosen = { ids: new Set(), everything: false };

/** The selected jobs. A selection is of the list that is shown: other filters begin without one. */
function useChosen(search: JobSearch) {
  const list = JSON.stringify(search);
  const [kept, keep] = useState({ list, chosen: NOTHING });
  return {
    chosen: kept.list === list ? kept.chosen : NOTHING,
    choose: (chosen: Chosen) => keep({ list, chosen }),
  };
}

/** The job list, newest first, with live updates. */
export function JobsPage() {
  const search = useSearch({ from: "/jobs" });
  const navigate = useNavigate();
  const { chosen, choose } = useChosen(search);
  const list = useInfiniteQuery(jobList(search));
  const counted = useQuery(jobCount(search)).data;
  useLiveList(search);
  const rows = useMemo(
    () => (list.data === undefined ? NO_ROWS : list.data.pages.flatMap((page) => page.items)),
    [list.data],
  );
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = list;
  const loadMore = useCallback(() => {
    if (!isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, isFetchingNextPage]);
  const figure = (n: number) => (counted?.capped === true && n >= 10_000 ? words.atLeast(count(n)) : count(n));
  const filters: Filters = {
    active: isFiltered(search),
    clear: () => void navigate({ to: "/jobs", search: {} }),
    counts: counted === undefined ? null : { shown: figure(counted.matching), total: figure(counted.total) },
  };

  const selected = useMemo(() => (chosen.everything ? new Set(rows.map(idOf)) : chosen.ids), [chosen, rows]);
  const sort = search.sort ?? (search.ended === undefined ? "-created" : "-finished");
  const download = useAction((_key) => exportJobs(search));

  const body = () => {
    if (rows.length === 0) {
      return filters.active ? (
        <NothingShown of={filters} title={words.hidden} />
      ) : (
        <EmptyState title={words.noneYet} text={words.noneYetText}>
          <OrderLink to="/jobs/new" leftSection={<Plus size={14} aria-hidden />}>
            {words.run}
          </OrderLink>
        </EmptyState>
      );
    }
    return (
      <DataTable
        label={words.table}
        columns={jobColumns}
        rows={rows}
        idOf={idOf}
        toneOf={toneOf}
        narrowNote={noteOf}
        selection={{
          selected,
          onChange: (ids) => choose({ ids, everything: false }),
          labelOf: words.selectOne,
          labelAll: words.selectLoaded,
        }}
        sort={sortOfTable(sort, (wanted) => {
          const ended = wanted.endsWith("created") ? { ended: undefined } : {};
          const to = {
            to: "/jobs",
            search: searchOfJobs({ ...search, ...ended, sort: wanted }),
            replace: true,
          } as const;
          void navigate(to);
        })}
        loadMore={hasNextPage ? loadMore : undefined}
        foot={hasNextPage ? common.loading : words.end}
      />
    );
  };

  return (
    <>
      <PageHeader
        title={words.title}
        aside={<FilterCount of={filters} all={counted && words.all(figure(counted.total))} />}
      >
        <ViewButton
          variant="default"
          leftSection={<Download size={14} aria-hidden />}
          loading={download.busy}
          disabled={rows.length === 0}
          onClick={() => void download.run()}
        >
          {words.export}
        </ViewButton>
        <OrderLink to="/jobs/new" leftSection={<Plus size={14} aria-hidden />}>
          {words.run}
        </OrderLink>
      </PageHeader>
      <JobFilters search={search} failure={rows[0] === undefined ? undefined : messageOf(rows[0], [])} />
      <ActionError error={download.error} />
      <BulkBar
        search={search}
        selected={selected}
        everything={chosen.everything}
        canSelectAll={rows.length > 0 && selected.size >= rows.length && (counted?.matching ?? 0) > rows.length}
        matching={counted === undefined ? "…" : figure(counted.matching)}
        onEverything={() => choose({ ids: new Set(), everything: true })}
        onClear={() => choose(NOTHING)}
      />
      <Loaded of={list} lines={8}>
        {body}
      </Loaded>
    </>
  );
}
