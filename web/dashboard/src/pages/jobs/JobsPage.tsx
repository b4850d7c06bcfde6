import { Button, Group, Text } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import { isFiltered } from "../../address/jobs";
import { type Job, jobCount, jobList } from "../../api/jobs";
import { common } from "../../texts/common";
import { count } from "../../texts/format";
import { jobTexts as words } from "../../texts/jobs";
import { DataTable } from "../../ui/DataTable";
import { EmptyState } from "../../ui/EmptyState";
import { LoadError } from "../../ui/LoadError";
import { LinkButton } from "../../ui/links";
import { PageHeader } from "../../ui/PageHeader";
import { BulkBar } from "./BulkBar";
import { JobFilters } from "./JobFilters";
import { jobColumns } from "./jobColumns";
import { useLiveList } from "./useLiveList";

const toneOf = (job: Job) => (job.status === "failed" && job.reason !== "cancelled" ? "failed" : undefined);
const idOf = (job: Job) => job.job_id;

/** The job list, newest first, with live updates. */
export function JobsPage() {
  const search = useSearch({ from: "/jobs" });
  const navigate = useNavigate();
  const [selected, setSelected] = useState<Set<string>>(new Set());
  const list = useInfiniteQuery(jobList(search));
  const { data: counted } = useQuery(jobCount(search));
  useLiveList(search);
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = list;
  const loadMore = useCallback(() => {
    if (!isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, isFetchingNextPage]);
  const figure = (n: number) => (counted?.capped === true && n >= 10_000 ? words.atLeast(count(n)) : count(n));
  const clear = () => void navigate({ to: "/jobs", search: {} });

  const body = () => {
    if (list.isError && rows.length === 0) return <LoadError error={list.error} retry={() => void list.refetch()} />;
    if (list.isSuccess && rows.length === 0) {
      return isFiltered(search) ? (
        <EmptyState title={words.nothing(counted === undefined ? "…" : figure(counted.total))} text={words.hidden}>
          <Button variant="default" onClick={clear}>
            {common.clearFilters}
          </Button>
        </EmptyState>
      ) : (
        <EmptyState title={words.noneYet} text={words.noneYetText}>
          <LinkButton to="/jobs/new" leftSection={<Plus size={14} aria-hidden />}>
            {words.run}
          </LinkButton>
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
        onOpen={(job) => void navigate({ to: "/jobs/$jobId", params: { jobId: job.job_id } })}
        selection={{ selected, onChange: setSelected, labelOf: words.selectOne, labelAll: words.selectLoaded }}
        loadMore={hasNextPage ? loadMore : undefined}
        foot={hasNextPage || list.isPending ? common.loading : words.end}
      />
    );
  };

  return (
    <>
      <PageHeader
        title={words.title}
        aside={
          counted !== undefined && (
            <Group gap="sm">
              <Text c="dimmed" className="number" role="status">
                {isFiltered(search)
                  ? words.shown(figure(counted.matching), figure(counted.total))
                  : words.all(figure(counted.total))}
              </Text>
              {isFiltered(search) && (
                <Button size="compact-sm" variant="default" onClick={clear}>
                  {common.clearFilters}
                </Button>
              )}
            </Group>
          )
        }
      >
        <LinkButton to="/jobs/new" leftSection={<Plus size={14} aria-hidden />}>
          {words.run}
        </LinkButton>
      </PageHeader>
      <JobFilters search={search} />
      <BulkBar
        search={search}
        selected={selected}
        loaded={rows.length}
        matching={counted?.matching ?? rows.length}
        capped={counted?.capped ?? false}
        onClear={() => setSelected(new Set())}
      />
      {body()}
    </>
  );
}
