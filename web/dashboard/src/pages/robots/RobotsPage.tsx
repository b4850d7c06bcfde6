import { Button, Group, SegmentedControl, Select, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useMemo } from "react";
import { type Change, changed } from "../../address/change";
import type { RobotSearch } from "../../address/robots";
import { sorted } from "../../address/sort";
import { allBeats, robotList } from "../../api/robots";
import { useRobots } from "../../live/live";
import { common, type ShownRobotState } from "../../texts/common";
import { robotTexts as words } from "../../texts/robots";
import { DataTable, sortOfTable } from "../../ui/DataTable";
import { DebouncedInput } from "../../ui/DebouncedInput";
import { EmptyState } from "../../ui/EmptyState";
import { Loaded } from "../../ui/Loaded";
import { LinkButton } from "../../ui/links";
import { PageHeader } from "../../ui/PageHeader";
import { RobotGrid } from "./RobotGrid";
import { ROBOT_VALUES, robotColumns } from "./robotColumns";
import { type Shown, shownRobots } from "./state";

const STATES = Object.entries(common.robot).map(([value, label]) => ({ value, label }));
const idOf = ({ robot }: Shown) => robot.robot_id;

/** All robots with their current state, as cards or as a list. */
export function RobotsPage() {
  const search = useSearch({ from: "/robots" });
  const navigate = useNavigate();
  const list = useQuery(robotList);
  const liveRobots = useRobots();
  const beats = useQuery(allBeats).data;
  const robots = list.data?.items;
  const shown = useMemo(() => shownRobots(robots, liveRobots, search), [robots, liveRobots, search]);
  const columns = useMemo(() => robotColumns(beats), [beats]);
  const set = (change: Change<RobotSearch>) =>
    void navigate({ to: "/robots", search: changed(search, change), replace: true });
  const open = (robotId: string) => void navigate({ to: "/robots/$robotId", params: { robotId } });

  const add = (
    <LinkButton to="/robots/new" leftSection={<Plus size={14} aria-hidden />}>
      {words.add}
    </LinkButton>
  );
  const filtered = search.state !== undefined || search.q !== undefined;
  const total = robots?.length ?? 0;
  const body = () => {
    if (total === 0) {
      return (
        <EmptyState title={words.none} text={words.noneText}>
          {add}
        </EmptyState>
      );
    }
    if (shown.length === 0) {
      return (
        <EmptyState title={words.shown(0, total)} text={words.hidden}>
          <Button variant="default" onClick={() => void navigate({ to: "/robots", search: {} })}>
            {common.clearFilters}
          </Button>
        </EmptyState>
      );
    }
    if (search.view === "list") {
      return (
        <DataTable
          label={words.table}
          columns={columns}
          rows={sorted(shown, search.sort, ROBOT_VALUES)}
          sort={sortOfTable(search.sort ?? "", (sort) => set({ sort }))}
          idOf={idOf}
          onOpen={(row) => open(row.robot.robot_id)}
          rowHeight={44}
        />
      );
    }
    return <RobotGrid shown={shown} beats={beats} />;
  };

  return (
    <>
      <PageHeader
        title={words.title}
        aside={
          robots !== undefined && (
            <Text c="dimmed" className="number" role="status">
              {filtered ? words.shown(shown.length, total) : words.total(total)}
            </Text>
          )
        }
      >
        {add}
      </PageHeader>
      {total > 0 && (
        <Group gap="sm" mb="sm" role="search">
          <DebouncedInput value={search.q} onChange={(q) => set({ q })} label={words.search} width={220} pageSearch />
          <Select
            data={STATES}
            value={search.state ?? null}
            onChange={(value) => set({ state: (value ?? undefined) as ShownRobotState | undefined })}
            placeholder={words.anyState}
            aria-label={words.states}
            clearable
            w={140}
          />
          <SegmentedControl
            data={[
              { value: "grid", label: words.views.grid },
              { value: "list", label: words.views.list },
            ]}
            value={search.view ?? "grid"}
            onChange={(value) => set({ view: value === "list" ? "list" : undefined })}
            aria-label={words.views.label}
            ml="auto"
          />
        </Group>
      )}
      <Loaded of={list} lines={8}>
        {body}
      </Loaded>
    </>
  );
}
