import Download from "lucide:download";
import { Alert, Group, Select, Switch, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type ReactNode, useCallback, useRef, useState } from "react";
import { type Change, changed } from "../../address/change";
import { contextOf, hides, type LogSearch, leavesOut, subjectOf, textOf } from "../../address/logs";
import { rangeFields } from "../../address/range";
import { type Job, jobOf } from "../../api/jobs";
import { downloadLog, saveLines } from "../../api/logs";
import { common } from "../../texts/common";
import { logTexts as words } from "../../texts/logs";
import { copyText } from "../../ui/clipboard";
import { DebouncedInput } from "../../ui/DebouncedInput";
import { EmptyState } from "../../ui/EmptyState";
import { FilterBar, FilterCount, type Filters, NothingShown } from "../../ui/Filters";
import { Loaded } from "../../ui/Loaded";
import { ViewButton } from "../../ui/orders";
import { PageHeader } from "../../ui/PageHeader";
import { RangeSelect } from "../../ui/RangeSelect";
import { RobotSelect } from "../../ui/RobotSelect";
import { JobBadge } from "../../ui/StatusBadge";
import { Time } from "../../ui/Time";
import { useLiveJob } from "../jobs/useLiveJob";
import { indexFrom } from "./LogBuffer";
import { LogSteps } from "./LogSteps";
import { LogViewer } from "./LogViewer";
import { useJump, type Visible } from "./useJump";
import { useLog } from "./useLog";

const LEVELS = Object.entries(words.levels).map(([value, label]) => ({ value, label }));

/** Log lines of all robots, of one robot or of one job: stored lines and new lines as they arrive. */
export function LogsPage() {
  const search = useSearch({ from: "/logs" });
  const navigate = useNavigate();
  const [wrap, setWrap] = useState(false);
  const job = useQuery({ ...jobOf(search.job ?? ""), enabled: search.job !== undefined }).data;
  useLiveJob(search.job ?? "");
  const log = useLog(search, search.robot ?? job?.robot_id ?? null);
  const set = (change: Change<LogSearch>) =>
    void navigate({ to: "/logs", search: changed(search, { line: undefined, ...change }), replace: true });
  // The functions keep their identity, so that memoised lines are not rendered again.
  const show = useCallback(
    (line: LogSearch["line"]) =>
      navigate({ to: "/logs", search: (before) => changed<LogSearch>(before, { line }), replace: true }),
    [navigate],
  );
  const link = useCallback(
    (line: number) => {
      void show(line);
      const address = new URL(window.location.href);
      address.searchParams.set("line", String(line));
      void copyText(address.href);
    },
    [show],
  );
  const go = (place: "first" | "end") => {
    void show(place === "first" ? place : undefined);
    void log.goTo(place);
  };
  const context = () => {
    const { index, exact } = indexFrom(log.entries, Number(search.line));
    const current = log.entries[index];
    if (exact && current?.kind === "line" && hides(search))
      void navigate({ to: "/logs", search: contextOf(search, current.row) });
  };
  const visible: Visible = useRef(() => null);
  const jump = useJump(log, search, visible, show);
  const download = () => {
    if (search.job !== undefined) void downloadLog(search.job);
    else
      saveLines(
        words.fileName,
        log.entries.flatMap((entry) => (entry.kind === "line" ? [entry.row] : [])),
      );
  };
  const filters: Filters = {
    active: leavesOut(search),
    clear: () => void navigate({ to: "/logs", search: subjectOf(search), replace: true }),
    counts: null,
  };

  const until = search.range === undefined ? null : rangeFields(search.range, Date.now())?.to;
  const hidden = until == null ? words.hiddenText : words.hiddenThenText;

  const searching = log.loading && (log.older || log.newer);
  const known = log.entries.length > 0 || (log.opened.times > 0 && log.error === null && !searching);
  const request = {
    data: known ? log : undefined,
    error: log.error,
    dataUpdatedAt: log.loadedAt,
    refetch: log.loadOlder,
  };
  const body = () => {
    if (log.entries.length > 0) {
      return (
        <LogViewer
          log={log}
          wrap={wrap}
          search={search}
          showRobot={search.robot === undefined && search.job === undefined}
          onLink={link}
          onGo={go}
          visible={visible}
          {...(job?.finished_at == null ? {} : { end: <End job={job} at={job.finished_at} /> })}
        />
      );
    }
    if (log.older || log.newer) {
      const [label, load] = log.older ? [words.searchOlder, log.loadOlder] : [words.searchNewer, log.loadNewer];
      return (
        <NothingShown of={filters} title={words.hidden}>
          <ViewButton variant="default" onClick={() => void load()}>
            {label}
          </ViewButton>
        </NothingShown>
      );
    }
    if (filters.active) return <NothingShown of={filters} title={words.hidden} text={hidden} />;
    if (job?.finished_at != null) return <EmptyState title={words.ended} />;
    return <EmptyState title={words.empty} text={words.emptyText} />;
  };

  return (
    <>
      <PageHeader
        title={words.title}
        aside={
          <Group gap="sm">
            {search.job !== undefined && (
              <>
                <Text c="dimmed">{words.ofJob}</Text>
                <Link to="/jobs/$jobId" params={{ jobId: search.job }} className="mono link">
                  {job?.workflow_id ?? search.job}
                </Link>
              </>
            )}
            {job !== undefined && <JobBadge status={job.status} reason={job.reason} />}
            <FilterCount of={filters} />
          </Group>
        }
      >
        <Text c="dimmed" className="number" size="sm">
          {words.loaded(log.entries.length)}
        </Text>
        <Switch
          label={words.wrap}
          checked={wrap}
          onChange={(event) => setWrap(event.currentTarget.checked)}
          size="xs"
        />
        <ViewButton
          variant="default"
          leftSection={<Download size={14} aria-hidden />}
          onClick={download}
          disabled={log.entries.length === 0}
        >
          {search.job === undefined ? words.download : words.downloadAll}
        </ViewButton>
      </PageHeader>
      <LogFilters search={search} set={set}>
        <LogSteps
          search={search}
          jump={jump}
          onContext={context}
          partial={log.older || log.newer}
          onOnlyMatches={(only) => {
            const text = textOf(search);
            set({ line: search.line, q: only ? text : undefined, find: only ? undefined : text });
          }}
        />
      </LogFilters>
      {log.missing !== null && log.missing === search.line && (
        <Alert color="var(--pending)" role="status" mb="sm">
          {words.missing(log.missing)}
        </Alert>
      )}
      {log.streamError !== null && (
        <Alert color="var(--pending)" role="status" mb="sm" title={words.notLive}>
          {log.streamError}
        </Alert>
      )}
      <Loaded of={request} lines={8}>
        {body}
      </Loaded>
    </>
  );
}

function End({ job, at }: { job: Job; at: string }) {
  const outcome = job.reason === null ? common.status.completed : common.reason[job.reason];
  return (
    <>
      {words.end(outcome)} <Time at={at} />
    </>
  );
}

interface FilterProps {
  search: LogSearch;
  set: (change: Change<LogSearch>) => void;
  children: ReactNode;
}

function LogFilters({ search, set, children }: FilterProps) {
  return (
    <FilterBar>
      <DebouncedInput
        value={textOf(search)}
        onChange={(text) => set(search.find === undefined ? { q: text } : { find: text })}
        label={words.search}
        width={240}
        pageSearch
      />
      <Select
        data={LEVELS}
        value={search.level ?? "DEBUG"}
        onChange={(value) =>
          set({ level: value === "DEBUG" ? undefined : ((value ?? undefined) as LogSearch["level"]) })
        }
        aria-label={words.level}
        allowDeselect={false}
        w={190}
      />
      <RangeSelect label={words.arrived} value={search.range} onChange={(range) => set({ range })} />
      <RobotSelect value={search.robot} onChange={(robot) => set({ robot })} />
      <DebouncedInput value={search.job} onChange={(job) => set({ job })} label={words.job} width={250} />
      <DebouncedInput value={search.node} onChange={(node) => set({ node })} label={words.node} width={130} />
      {children}
    </FilterBar>
  );
}
