import { Group } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type Workflow, workflows } from "../../api/jobs";
import { type Robot, robotList } from "../../api/robots";
import { common } from "../../texts/common";
import { count } from "../../texts/format";
import { workflowTexts as words } from "../../texts/workflows";
import { type Column, DataTable } from "../../ui/DataTable";
import { DebouncedInput } from "../../ui/DebouncedInput";
import { EmptyState } from "../../ui/EmptyState";
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
    cell: (row) => <WorkflowLink id={row.id} focusable={false} />,
  },
  { id: "robots", header: words.columns.robots, width: "90px", align: "end", cell: (row) => count(row.robots) },
  {
    id: "last",
    header: words.columns.last,
    width: "140px",
    align: "end",
    cell: (row) => (row.last === null ? words.never : <Age at={row.last} />),
  },
];

/** The workflows of jobs and of robots, by name. */
function rowsOf(known: readonly Workflow[], robots: readonly Robot[]): Row[] {
  const rows = new Map<string, Row>();
  for (const one of known) rows.set(one.workflow_id, { id: one.workflow_id, robots: 0, last: one.last_submitted_at });
  for (const id of robots.flatMap((robot) => robot.workflows ?? [])) {
    const row = rows.get(id) ?? { id, robots: 0, last: null };
    rows.set(id, { ...row, robots: row.robots + 1 });
  }
  return [...rows.values()].sort((a, b) => a.id.localeCompare(b.id, undefined, { numeric: true }));
}

/** All workflows that robots reported or that have had a job. */
export function WorkflowsPage() {
  const { q } = useSearch({ from: "/workflows" });
  const navigate = useNavigate();
  const known = useQuery(workflows);
  const robots = useQuery(robotList);
  const table = (rows: readonly Row[]) => {
    const shown = rows.filter((row) => row.id.toLowerCase().includes(q?.toLowerCase() ?? ""));
    if (shown.length === 0) return <EmptyState title={words.hidden} />;
    return (
      <DataTable
        label={words.table}
        columns={COLUMNS}
        rows={shown}
        idOf={(row) => row.id}
        onOpen={(row) => void navigate({ to: "/workflows/$workflowId", params: { workflowId: row.id } })}
      />
    );
  };
  return (
    <>
      <PageHeader title={common.nav.workflows} />
      <Group gap="sm" mb="sm" role="search">
        <DebouncedInput
          value={q}
          onChange={(text) =>
            void navigate({ to: "/workflows", search: text === undefined ? {} : { q: text }, replace: true })
          }
          label={words.search}
          width={240}
          pageSearch
        />
      </Group>
      <Loaded of={robots}>
        {({ items }) => (
          <Loaded
            of={known}
            empty={(jobs) =>
              rowsOf(jobs.items, items).length === 0 && <EmptyState title={words.none} text={words.noneText} />
            }
          >
            {(jobs) => table(rowsOf(jobs.items, items))}
          </Loaded>
        )}
      </Loaded>
    </>
  );
}
