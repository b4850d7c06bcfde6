import Plus from "lucide:plus";
import { SegmentedControl, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { type Change, changed } from "../../address/change";
import { LANES_RANGE, type RobotSearch, type RobotView } from "../../address/robots";
import { sorted } from "../../address/sort";
import { robotList } from "../../api/robots";
import { useRobotsPaced } from "../../live/live";
import { count } from "../../texts/format";
import { laneTexts, robotTexts as words } from "../../texts/robots";
import { plain } from "../../texts/safe";
import { DataTable, sortOfTable } from "../../ui/DataTable";
import { DebouncedInput } from "../../ui/DebouncedInput";
import { EmptyState } from "../../ui/EmptyState";
import { FilterBar, FilterCount, type Filters, NothingShown } from "../../ui/Filters";
import { choicesOf, Loaded } from "../../ui/Loaded";
import { OrderLink } from "../../ui/orders";
import { PageHeader } from "../../ui/PageHeader";
import { RangeSelect } from "../../ui/RangeSelect";
import { RobotBulk } from "./RobotBulk";
import { RobotGrid } from "./RobotGrid";
import { RobotLanes } from "./RobotLanes";
import { RobotMap } from "./RobotMap";
import { ROBOT_VALUES, robotColumns } from "./robotColumns";
import { StateChips } from "./StateChips";
import { matchingRobots, type Shown, shownRobots, sortedRobots, tagsOf } from "./state";

const idOf = ({ robot }: Shown) => robot.robot_id;
/** Between two updates of the page, which sorts and counts all robots. */
const PAUSE_MS = 250;
const NONE: ReadonlySet<string> = new Set();

/** The selected robots. A selection is of the list that is shown: other filters begin without one. */
function useSelected(search: RobotSearch) {
  const list = JSON.stringify(search);
  const [kept, keep] = useState({ list, selected: NONE });
  return {
    selected: kept.list === list && search.view === "list" ? kept.selected : NONE,
    select: (selected: ReadonlySet<string>) => keep({ list, selected }),
  };
}

/** All robots with their current state, as cards, as a map by tag or as a list. */
export function RobotsPage() {
  const search = useSearch({ from: "/robots" });
  const navigate = useNavigate();
  const list = useQuery(robotList);
  const liveRobots = useRobotsPaced(PAUSE_MS);
  const robots = choicesOf(list);
  const byName = useMemo(() => sortedRobots(robots), [robots]);
  const tags = useMemo(() => tagsOf(robots), [robots]);
  const { q, tag, state } = search;
  const matching = useMemo(
    () => matchingRobots(byName, liveRobots, { ...(q ? { q } : {}), ...(tag ? { tag } : {}) }),
    [byName, liveRobots, q, tag],
  );
  const shown = useMemo(() => shownRobots(matching, state), [matching, state]);
  const ordered = useMemo(() => sorted(shown, search.sort, ROBOT_VALUES), [shown, search.sort]);
  const { selected, select } = useSelected(search);
  const set = (change: Change<RobotSearch>) =>
    void navigate({ to: "/robots", search: changed(search, change), replace: true });

  const add = (
    <OrderLink to="/robots/new" leftSection={<Plus size={14} aria-hidden />}>
      {words.add}
    </OrderLink>
  );
  const filtered = state !== undefined || q !== undefined || tag !== undefined;
  const total = robots.length;
  const filters: Filters = {
    active: filtered,
    clear: () => set({ state: undefined, q: undefined, tag: undefined }),
    counts: list.data === undefined ? null : { shown: count(shown.length), total: count(total) },
  };
  const body = () => {
    if (total === 0) {
      return (
        <EmptyState title={words.none} text={words.noneText}>
          {add}
        </EmptyState>
      );
    }
    if (shown.length === 0) {
      return <NothingShown of={filters} title={words.hidden} />;
    }
    if (search.view === "time") return <RobotLanes shown={shown} range={search.range ?? LANES_RANGE} />;
    if (search.view === "map") return <RobotMap shown={shown} search={search} />;
    if (search.view !== "list") return <RobotGrid shown={shown} />;
    return (
      <DataTable
        label={words.table}
        columns={robotColumns}
        rows={ordered}
        sort={sortOfTable(search.sort ?? "", (sort) => set({ sort }))}
        idOf={idOf}
        selection={{ selected, onChange: select, labelOf: words.selectOne, labelAll: words.selectAll }}
        rowHeight={44}
      />
    );
  };

  return (
    <>
      <PageHeader title={words.title} aside={<FilterCount of={filters} all={list.data && words.total(total)} />}>
        {add}
      </PageHeader>
      {total > 0 && (
        <>
          <FilterBar>
            <DebouncedInput value={q} onChange={(q) => set({ q })} label={words.search} width={220} pageSearch />
            {(tags.size > 0 || tag !== undefined) && (
              <Select
                data={[...new Set([...tags.keys(), ...(tag === undefined ? [] : [tag])])].map((value) => ({
                  value,
                  label: words.tagWith(plain(value), tags.get(value) ?? 0),
                }))}
                value={tag ?? null}
                onChange={(value) => set({ tag: value ?? undefined })}
                placeholder={words.anyTag}
                aria-label={words.anyTag}
                searchable
                clearable
                limit={100}
                w={170}
              />
            )}
            <StateChips counts={matching.counts} chosen={state} onChange={(state) => set({ state })} />
            {search.view === "time" && (
              <RangeSelect
                label={laneTexts.range}
                value={search.range ?? LANES_RANGE}
                onChange={(range) => set({ range })}
                clearable={false}
                width={150}
              />
            )}
            <SegmentedControl
              data={[
                { value: "grid", label: words.views.grid },
                { value: "map", label: words.views.map },
                { value: "list", label: words.views.list },
                { value: "time", label: words.views.time },
              ]}
              value={search.view ?? "grid"}
              onChange={(value) => set({ view: value === "grid" ? undefined : (value as RobotView) })}
              aria-label={words.views.label}
              ml="auto"
            />
          </FilterBar>
          <RobotBulk shown={shown} selected={selected} filtered={filtered} onClear={() => select(NONE)} />
        </>
      )}
      <Loaded of={list} lines={8}>
        {body}
      </Loaded>
    </>
  );
}
