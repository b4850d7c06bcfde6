import { Group, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { AuditSearch } from "../../address/audit";
import { type Change, changed } from "../../address/change";
import { auditList } from "../../api/audit";
import { common } from "../../texts/common";
import { timeZone } from "../../texts/format";
import { AuditRows } from "../../ui/AuditRows";
import { DebouncedInput } from "../../ui/DebouncedInput";
import { EmptyState } from "../../ui/EmptyState";
import { FilterBar, FilterCount, type Filters, NothingShown } from "../../ui/Filters";
import { Loaded } from "../../ui/Loaded";
import { ViewButton } from "../../ui/orders";
import { PageHeader } from "../../ui/PageHeader";
import { RangeSelect } from "../../ui/RangeSelect";
import { useRowKeys } from "../../ui/rows";

const words = common.audit;

/** Who changed what and why: all entries, or those of one job, robot or queue. */
export function AuditPage() {
  const search = useSearch({ from: "/audit" });
  const navigate = useNavigate();
  const set = (change: Change<AuditSearch>) =>
    void navigate({ to: "/audit", search: changed(search, change), replace: true });
  const rows = useRowKeys<HTMLDivElement>();
  const list = useInfiniteQuery(auditList(search));
  const filters: Filters = {
    active: Object.keys(search).length > 0,
    clear: () => void navigate({ to: "/audit", search: {} }),
    counts: null,
  };
  const nothing = filters.active ? (
    <NothingShown of={filters} title={words.hidden} />
  ) : (
    <EmptyState title={words.none} />
  );
  return (
    <>
      <PageHeader
        title={common.nav.audit}
        aside={
          <Group gap="md">
            <Text c="dimmed" size="sm">
              {common.range.zone(timeZone)}
            </Text>
            <FilterCount of={filters} />
          </Group>
        }
      />
      <FilterBar>
        <DebouncedInput
          value={search.target}
          onChange={(target) => set({ target })}
          label={words.target}
          width={280}
          pageSearch
        />
        <RangeSelect label={words.time} value={search.range} onChange={(range) => set({ range })} />
      </FilterBar>
      <Loaded of={list} empty={({ pages }) => pages.every((page) => page.items.length === 0) && nothing} lines={8}>
        {({ pages }) => (
          <div className="panel" ref={rows}>
            <AuditRows entries={pages.flatMap((page) => page.items)} showTarget />
            {list.hasNextPage && (
              <Group justify="center" p="sm">
                <ViewButton
                  variant="default"
                  loading={list.isFetchingNextPage}
                  onClick={() => void list.fetchNextPage()}
                >
                  {words.more}
                </ViewButton>
              </Group>
            )}
          </div>
        )}
      </Loaded>
    </>
  );
}
