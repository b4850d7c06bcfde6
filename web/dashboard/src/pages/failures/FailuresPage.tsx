import { SegmentedControl, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { FAILURES_RANGE, type FailureSearch } from "../../address/failures";
import { type FailureGroup, failuresOf } from "../../api/overview";
import { reload } from "../../api/queries";
import { Throttle } from "../../live/frames";
import { live } from "../../live/live";
import { common } from "../../texts/common";
import { failureTexts as words } from "../../texts/failures";
import { count } from "../../texts/format";
import { FilterCount, type Filters, NothingShown } from "../../ui/Filters";
import { Loaded } from "../../ui/Loaded";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { RangeSelect } from "../../ui/RangeSelect";
import { useRowKeys } from "../../ui/rows";
import { FailureOrders } from "./FailureOrders";
import { type Asked, FailureRow } from "./FailureRow";
import classes from "./FailuresPage.module.css";

const REFETCH_MS = 1000;

/** Groups are loaded again at most once a second when a job fails. Changes of notes come with the audit number. */
function useLiveFailures(): void {
  useEffect(() => {
    const changed = new Throttle(REFETCH_MS, () => void reload({ queryKey: ["failures"] }));
    return live.onJobs((updates) => {
      if (updates.some(({ status }) => status === "failed")) changed.mark();
    });
  }, []);
}

/** The failure inbox: failures grouped by tenant, workflow and cause, with who works on them. */
export function FailuresPage() {
  const { range = FAILURES_RANGE, show } = useSearch({ from: "/failures" });
  const navigate = useNavigate();
  const muted = show === "muted";
  const groups = useQuery(failuresOf(range, muted));
  const [asked, setAsked] = useState<{ order: Asked; group: FailureGroup } | null>(null);
  useLiveFailures();
  const rows = useRowKeys<HTMLUListElement>();
  const go = (change: FailureSearch) => void navigate({ to: "/failures", search: change, replace: true });
  const found = groups.data;
  const filters: Filters = {
    active: muted || range !== FAILURES_RANGE,
    clear: () => go({}),
    counts:
      muted || found === undefined
        ? null
        : { shown: count(found.items.length), total: count(found.items.length + found.muted_groups) },
  };
  return (
    <>
      <PageHeader title={common.nav.failures} aside={<FilterCount of={filters} />}>
        <SegmentedControl
          aria-label={words.which}
          value={muted ? "muted" : "open"}
          onChange={(value) => go({ range, ...(value === "muted" ? { show: "muted" as const } : {}) })}
          data={[
            { value: "open", label: words.open },
            {
              value: "muted",
              label: words.muted(groups.data === undefined ? "…" : count(groups.data.muted_groups)),
            },
          ]}
        />
        <RangeSelect
          label={words.time}
          value={range}
          onChange={(chosen = FAILURES_RANGE) => go({ range: chosen, ...(muted ? { show: "muted" as const } : {}) })}
          clearable={false}
          width={140}
        />
      </PageHeader>
      <Panel title={muted ? words.mutedGroups : words.openGroups} flush>
        <Loaded
          of={groups}
          lines={8}
          empty={({ items, muted_groups: quiet }) => {
            if (items.length > 0) return false;
            if (muted) return <NothingShown of={filters} title={words.noneMuted} />;
            if (quiet > 0) {
              const shown: Filters = { ...filters, clear: () => go({ range, show: "muted" }) };
              return <NothingShown of={shown} title={words.noneOpen} clear={words.showMuted} />;
            }
            return filters.active ? <NothingShown of={{ ...filters, counts: null }} title={words.none} /> : words.none;
          }}
        >
          {(list) => (
            <ul className={classes.rows} ref={rows}>
              {list.items.map((group) => (
                <FailureRow
                  key={`${group.tenant_id} ${group.fingerprint}`}
                  group={group}
                  list={list}
                  range={range}
                  onAsk={(order) => setAsked({ order, group })}
                />
              ))}
            </ul>
          )}
        </Loaded>
      </Panel>
      {groups.data !== undefined && (
        <Text size="xs" c="dimmed" mt="sm">
          {groups.data.capped && `${words.capped(count(groups.data.scanned))} `}
          {!muted && groups.data.muted_groups > 0 && words.apart(groups.data.muted_groups, groups.data.muted_failures)}
        </Text>
      )}
      {asked !== null && (
        <FailureOrders
          key={`${asked.order} ${asked.group.fingerprint}`}
          group={asked.group}
          range={range}
          asked={asked.order}
          onClose={() => setAsked(null)}
        />
      )}
    </>
  );
}
