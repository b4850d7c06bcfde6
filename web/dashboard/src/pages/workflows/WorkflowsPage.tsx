import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type Change, changed } from "../../address/change";
import { sorted } from "../../address/sort";
import type { WORKFLOW_SORTS, WorkflowSearch } from "../../address/workflows";
import { type Workflow, workflows } from "../../api/jobs";
import { type Robot, robotList } from "../../api/robots";
import { common } from "../../texts/common";
import { count } from "../../texts/format";
import { workflowTexts as words } from "../../texts/workflows";
import { type Column, DataTable, sortOfTable } from "../../ui/DataTable";
import { DebouncedInput } from "../../ui/DebouncedInput";
import { EmptyState } from "../../ui/EmptyState";
import { FilterBar, FilterCount, type Filters, NothingShown } from "../../ui/Filters";
import { Loaded } from "../../ui/Loaded";
import { PageHeader } from "../../ui/PageHeader";
import { Age } from "../../ui/Time";
import { WorkflowLink } from "../../ui/WorkflowLink";

interface Row {
  id: string;
  robots: number;
  last: string | null;
}

const COLUMNS: readonly Column<Row>[] = [
  {
    id: "workflow",
    header: words.columns.workflow,
    width: "minmax(160px, 3fr)",
    main: true,
    cell: (row) => <WorkflowLink id={row.id} focusable={false} />,
    sortable: true,
  },
  {
    id: "robots",
    header: words.columns.robots,
    width: "90px",
    align: "end",
    cell: (row) => count(row.robots),
    sortable: true,
  },
  {
    id: "last",
    header: words.columns.last,
    width: "140px",
    align: "end",
    cell: (row) => (row.last === null ? words.never : <Age at={row.last} />),
    sortable: true,
  },
];

const VALUES = {
  workflow: (row: Row) => row.id,
  robots: (row: Row) => row.robots,
  last: (row: Row) => (row.last === null ? null : Date.parse(row.last)),
} satisfies Record<(typeof WORKFLOW_SORTS)[number], (row: Row) => unknown>;

/** The workflows of jobs and of robots. */
function rowsOf(known: readonly Workflow[], robots: readonly Robot[]): Row[] {
  const rows = new Map<string, Row>();
  for (const one of known) rows.set(one.workflow_id, { id: one.workflow_id, robots: 0, last: one.last_submitted_at });
  for (const id of robots.flatMap((robot) => robot.workflows ?? [])) {
    const row = rows.get(id) ?? { id, robots: 0, last: null };
    rows.set(id, { ...row, robots: row.robots + 1 });
  }
  return [...rows.values()];
}

/** All workflows that robots reported or that have had a job. */
export function WorkflowsPage() {
  const search = useSearch({ from: "/workflows" });
  const { q, sort = "workflow" } = search;
  const navigate = useNavigate();
  const set = (change: Change<WorkflowSearch>) =>
    void navigate({ to: "/workflows", search: changed(search, change), replace: true });
  const known = useQuery(workflows);
  const robots = useQuery(robotList);
  const rows = known.data && robots.data && rowsOf(known.data.items, robots.data.items);
  const matching = rows?.filter((row) => row.id.toLowerCase().includes(q?.toLowerCase() ?? ""));
  const filters: Filters = {
    active: q !== undefined,
    clear: () => set({ q: undefined }),
    counts: rows && matching ? { shown: count(matching.length), total: count(rows.length) } : null,
  };
  const table = (shown: readonly Row[]) => {
    if (shown.length === 0) return <NothingShown of={filters} title={words.hidden} />;
    return (
      <DataTable
        label={words.table}
        columns={COLUMNS}
        rows={shown}
        idOf={(row) => row.id}
        sort={sortOfTable(sort, (wanted) => set({ sort: wanted }))}
      />
    );
  };
  return (
    <>
      <PageHeader
        title={common.nav.workflows}
        aside={<FilterCount of={filters} all={rows && words.all(rows.length)} />}
      />
      <FilterBar>
        <DebouncedInput value={q} onChange={(text) => set({ q: text })} label={words.search} width={240} pageSearch />
      </FilterBar>
      <Loaded of={robots}>
        {({ items }) => (
          <Loaded
            of={known}
            empty={(jobs) =>
              rowsOf(jobs.items, items).length === 0 && <EmptyState title={words.none} text={words.noneText} />
            }
          >
            {() => table(sorted(matching ?? [], sort, VALUES))}
          </Loaded>
        )}
      </Loaded>
    </>
  );
}
