import { Button, Group, Loader, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { auditList } from "../../api/audit";
import { common } from "../../texts/common";
import { timeZone } from "../../texts/format";
import { AuditRows } from "../../ui/AuditRows";
import { DebouncedInput } from "../../ui/DebouncedInput";
import { EmptyState } from "../../ui/EmptyState";
import { LoadError } from "../../ui/LoadError";
import { PageHeader } from "../../ui/PageHeader";

const words = common.audit;

/** Who changed what and why: all entries, or those of one job, robot or queue. */
export function AuditPage() {
  const { target } = useSearch({ from: "/audit" });
  const navigate = useNavigate();
  const list = useInfiniteQuery(auditList(target));
  const entries = list.data?.pages.flatMap((page) => page.items) ?? [];
  const body = () => {
    if (list.isPending) return <Loader size="sm" aria-label={common.loading} />;
    if (list.isError && list.data === undefined)
      return <LoadError error={list.error} retry={() => void list.refetch()} />;
    if (entries.length === 0) return <EmptyState title={words.none} text={target === undefined ? "" : words.hidden} />;
    return (
      <div className="panel">
        <AuditRows entries={entries} showTarget />
        {list.hasNextPage && (
          <Group justify="center" p="sm">
            <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              {words.more}
            </Button>
          </Group>
        )}
      </div>
    );
  };
  return (
    <>
      <PageHeader
        title={common.nav.audit}
        aside={
          <Text c="dimmed" size="sm">
            {common.range.zone(timeZone)}
          </Text>
        }
      />
      <Group gap="sm" mb="sm" role="search">
        <DebouncedInput
          value={target}
          onChange={(wanted) =>
            void navigate({ to: "/audit", search: wanted === undefined ? {} : { target: wanted }, replace: true })
          }
          label={words.target}
          width={280}
          pageSearch
        />
      </Group>
      {body()}
    </>
  );
}
