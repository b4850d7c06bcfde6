import { Button, Group, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { auditList } from "../../api/audit";
import { common } from "../../texts/common";
import { timeZone } from "../../texts/format";
import { AuditRows } from "../../ui/AuditRows";
import { DebouncedInput } from "../../ui/DebouncedInput";
import { EmptyState } from "../../ui/EmptyState";
import { Loaded } from "../../ui/Loaded";
import { PageHeader } from "../../ui/PageHeader";

const words = common.audit;

/** Who changed what and why: all entries, or those of one job, robot or queue. */
export function AuditPage() {
  const { target } = useSearch({ from: "/audit" });
  const navigate = useNavigate();
  const list = useInfiniteQuery(auditList(target));
  const nothing = <EmptyState title={words.none} text={target === undefined ? "" : words.hidden} />;
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
      <Loaded of={list} empty={({ pages }) => pages.every((page) => page.items.length === 0) && nothing} lines={8}>
        {({ pages }) => (
          <div className="panel">
            <AuditRows entries={pages.flatMap((page) => page.items)} showTarget />
            {list.hasNextPage && (
              <Group justify="center" p="sm">
                <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                  {words.more}
                </Button>
              </Group>
            )}
          </div>
        )}
      </Loaded>
    </>
  );
}
