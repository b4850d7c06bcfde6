"""The store on SQLite: one file, one process, one writing connection, durable to the last commit.

The file lock allows one process. The writes are also correct with several writers on one file, as in simulations, and
after another program changed a value.
"""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, TypeVar

from casare_rpa.domain.audit import AuditEntry, NewAudit
from casare_rpa.domain.credentials import RobotKey
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.failure_groups import FailureGroup, FailureGrouping, FailureSpan, GroupKey, Mute
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import (
    Added,
    Applied,
    Change,
    JobFilter,
    JobHistoryEntry,
    JobOrder,
    JobToAdd,
    ShownChanges,
    StreamState,
    WaitingJob,
)
from casare_rpa.domain.logs import LinesAfter, LogFilter, LogLine, LogPage, LogPosition, StoredLine
from casare_rpa.domain.presets import Preset, PresetKey
from casare_rpa.domain.queues import PausedQueue, Queue
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.domain.robot_records import Beat, LastHeartbeat, OrderedRobot, OrderOutcome, RobotOrder
from casare_rpa.domain.robot_sessions import BegunSession, Connecting, LostSession, RunningInstance, SessionKey
from casare_rpa.domain.robots import Robot
from casare_rpa.domain.selection import Slots
from casare_rpa.domain.statistics import (
    Counts,
    Ended,
    JobCount,
    QueueSample,
    RobotRun,
    StoreStatistics,
)
from casare_rpa.domain.steps import StepPage, StepReport
from casare_rpa.domain.stored_state import FleetState, JobRevision, StoppingJobs
from casare_rpa.domain.tenants import Tenant
from casare_rpa.infrastructure.orchestrator.storage.batcher import Batcher
from casare_rpa.infrastructure.orchestrator.storage.cold import (
    audit_rows,
    clock_rows,
    failure_note_rows,
    fleet_rows,
    health_rows,
    instance_rows,
    job_filters,
    job_rows,
    log_rows,
    preset_rows,
    queue_rows,
    retention_rows,
    run_rows,
    statistics_rows,
    step_rows,
)
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.sqlite import (
    change_rows,
    failure_rows,
    id_lists,
    log_search,
    log_volumes,
    resync_rows,
    session_writes,
    step_writes,
)
from casare_rpa.infrastructure.orchestrator.storage.sqlite.claims import ClaimJobs
from casare_rpa.infrastructure.orchestrator.storage.sqlite.driver import SqliteDriver, WriterCache
from casare_rpa.infrastructure.orchestrator.storage.sqlite.file_lock import lock_database, make_database_private
from casare_rpa.infrastructure.orchestrator.storage.sqlite.heartbeat_writes import RecordHeartbeats
from casare_rpa.infrastructure.orchestrator.storage.sqlite.instance_tables import InstanceTables
from casare_rpa.infrastructure.orchestrator.storage.sqlite.job_changes import AddJobs, ApplyChanges, ChangeCounters
from casare_rpa.infrastructure.orchestrator.storage.sqlite.log_writes import AppendLogs
from casare_rpa.infrastructure.orchestrator.storage.sqlite.migration import migrate
from casare_rpa.infrastructure.orchestrator.storage.sqlite.placements import Placements
from casare_rpa.infrastructure.orchestrator.storage.sqlite.readers import Readers
from casare_rpa.infrastructure.orchestrator.storage.sqlite.session_writes import ConnectRobots, LeaveSessions
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits

T = TypeVar("T")


class BatchCommands:
    """The batch commands of the store, and their caches of stored data."""

    def __init__(self, *, max_offers: int = StoreLimits.offers, tally_slot: int = 0) -> None:
        """`max_offers`: jobs that one claim offers at most. `tally_slot`: where this instance counts its changes."""
        placements = Placements()
        numbers = ChangeCounters()
        self.add_jobs = AddJobs(placements, numbers, tally_slot)
        self.apply = ApplyChanges(placements, numbers, tally_slot)
        self.claim = ClaimJobs(placements, tally_slot, max_offers=max_offers)
        self.beat = RecordHeartbeats()
        self.connect = ConnectRobots()
        self.leave = LeaveSessions()
        self.append_logs = AppendLogs()
        self.caches: tuple[WriterCache, ...] = (placements, numbers, self.append_logs)


class SqliteStore(InstanceTables):
    """Implements `ports.store.Store`, which states its guarantees."""

    def __init__(
        self,
        batcher: Batcher[sqlite3.Connection],
        readers: Readers,
        commands: BatchCommands,
        lock: IO[bytes],
        limits: StoreLimits | None = None,
    ) -> None:
        super().__init__(batcher, readers)
        self._limits = limits or StoreLimits()
        self._commands = commands
        self._lock = lock

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        failpoints: Failpoints | None = None,
        trace: Callable[[str], None] | None = None,
        commands: BatchCommands | None = None,
        limits: StoreLimits | None = None,
    ) -> "SqliteStore":
        """Open the database, or create it, and bring it to the current schema.

        `trace` gets every statement of the writing connection.

        Raises:
            StoreUnavailable: another process uses the database, or it cannot be opened.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = lock_database(path)
        try:
            make_database_private(path)
            migrate(path)
            limits = limits or StoreLimits()
            commands = commands or BatchCommands(max_offers=limits.offers)
            batcher = Batcher(SqliteDriver(path, caches=commands.caches, trace=trace), failpoints or Failpoints())
            await batcher.start()
            try:
                await batcher.write(instance_rows.forget_all)  # the lock says that no other instance runs
            except BaseException:
                await batcher.close()  # its thread would write without the lock
                raise
        except BaseException:
            lock.close()
            raise
        return cls(batcher, Readers(path), commands, lock, limits)

    async def add_jobs(self, jobs: Sequence[JobToAdd], *, audit: NewAudit | None = None) -> list[Added | None]:
        return await self._batcher.submit(self._commands.add_jobs, (jobs, audit))

    async def claim(self, slots: Slots, at: Instant) -> list[Job]:
        return await self._batcher.submit(self._commands.claim, (slots, at))

    async def apply(
        self, changes: Sequence[Change], *, audit: NewAudit | None = None, session: SessionKey | None = None
    ) -> list[Applied]:
        return await self._batcher.submit(self._commands.apply, (changes, audit, session))

    async def beat(self, beats: Sequence[Beat]) -> list[LostSession]:
        return await self._batcher.submit(self._commands.beat, beats)

    async def connect(self, wanted: Connecting) -> BegunSession:
        return await self._batcher.submit(self._commands.connect, wanted)

    async def leave(self, sessions: Sequence[SessionKey]) -> None:
        await self._batcher.submit(self._commands.leave, sessions)

    async def adopt(self, dead: Sequence[RunningInstance], at: Instant, until: Instant) -> list[Applied]:
        apply = self._commands.apply
        return await self._batcher.write(lambda c: session_writes.adopt(c, dead, at, until, apply))

    async def append_logs(self, lines: Sequence[LogLine]) -> list[StoredLine | None]:
        return await self._batcher.submit(self._commands.append_logs, lines)

    async def open_journal(self, robot_id: str, journal_id: str, session_id: str | None = None) -> None:
        await self._in_session(
            robot_id, session_id, lambda c: self._commands.append_logs.open_journal(c, robot_id, journal_id)
        )

    async def due(self, at: Instant, limit: int, instance: str = "") -> list[tuple[str, str]]:
        return await self._readers.read(lambda c: job_rows.due(c, at, limit, instance))

    async def extend_leases(self, until: Instant, instance: str | None = None) -> int:
        return await self._batcher.write(lambda c: job_rows.extend_leases(c, until, instance))

    async def held_jobs(self, robot_id: str) -> list[Job]:
        return await self._readers.look_up(lambda c: job_rows.held_by(c, robot_id))

    async def fleet_state(self, robot_ids: Sequence[str] | None = None) -> FleetState:
        return await self._readers.read(lambda c: resync_rows.fleet_state(c, robot_ids))

    async def begin_epoch(self, epoch: str, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: self._commands.append_logs.begin_epoch(c, epoch), audit)

    async def stream(self) -> StreamState:
        return await self._readers.read(change_rows.stream)

    async def changes_after(self, tenant_id: str | None, after: int, limit: int) -> ShownChanges:
        return await self._readers.read(lambda c: change_rows.changes_after(c, tenant_id, after, limit))

    async def running_jobs(self) -> list[JobRevision]:
        return await self._readers.read(resync_rows.running_jobs)

    async def stopping_jobs(self, after_event_id: int | None) -> StoppingJobs:
        return await self._readers.read(lambda c: resync_rows.stopping_jobs(c, after_event_id))

    async def job(self, job_id: str) -> Job | None:
        return await self._readers.look_up(lambda c: job_rows.find(c, job_id))

    async def jobs(
        self,
        wanted: JobFilter,
        limit: int,
        after: tuple[Instant, str] | None,
        order: JobOrder = JobOrder.NEWEST,
    ) -> list[Job]:
        return await self._readers.search(lambda c, _: job_filters.listed(c, wanted, limit, after, order))

    async def count_jobs(self, wanted: JobFilter, most: int | None = None) -> JobCount:
        counted = most or self._limits.counted_jobs
        return await self._readers.search(lambda c, _: job_filters.count(c, wanted, counted))

    async def last_jobs(self, tenant_id: str | None, limit: int) -> list[Job]:
        return await self._readers.search(lambda c, _: statistics_rows.last_of_workflows(c, tenant_id, limit))

    async def open_jobs(self, tenant_id: str | None, limit: int, after_id: str | None) -> list[Job]:
        return await self._readers.read(lambda c: job_rows.open_jobs(c, tenant_id, limit, after_id))

    async def position(self, job: Job) -> int:
        return await self._readers.read(lambda c: queue_rows.position(c, job))

    async def waiting(self, lines: int, each: int, tenant_id: str | None = None) -> list[WaitingJob]:
        return await self._readers.read(lambda c: queue_rows.waiting(c, lines, each, tenant_id))

    async def job_history(self, job_id: str, limit: int, after_id: int = 0) -> list[JobHistoryEntry]:
        return await self._readers.read(lambda c: job_rows.history(c, job_id, limit, after_id))

    async def job_logs(self, job_id: str, limit: int, after_id: int) -> list[StoredLine]:
        return await self._readers.read(lambda c: log_rows.of_job(c, job_id, limit, after_id))

    async def recent_logs(self, wanted: LogFilter, limit: int, after_id: int) -> list[int]:
        return await self._readers.search(lambda c, _: log_rows.recent(c, wanted, limit, after_id))

    async def log_lines(self, log_ids: Sequence[int]) -> list[StoredLine]:
        return await self._readers.read(lambda c: id_lists.lines_by_id(c, log_ids))

    async def lines_after(self, after_id: int, limit: int) -> LinesAfter:
        return await self._readers.read(lambda c: log_rows.lines_after(c, after_id, limit))

    async def search_logs(
        self, wanted: LogFilter, limit: int, start: LogPosition | None, *, oldest_first: bool = False
    ) -> LogPage:
        lines = self._limits.scanned_lines
        return await self._readers.search(
            lambda c, search: log_search.search(c, wanted, limit, start, lines, search, oldest_first=oldest_first)
        )

    async def counts(self, tenant_id: str | None, at: Instant) -> Counts:
        return await self._readers.read(lambda c: job_rows.counts(c, tenant_id, at))

    async def ended(
        self, tenant_id: str | None, since: Instant, until: Instant | None = None, step_minutes: int = 1
    ) -> list[Ended]:
        return await self._readers.search(lambda c, _: statistics_rows.ended(c, tenant_id, since, until, step_minutes))

    async def failures(
        self, tenant_id: str | None, span: FailureSpan, limit: int, *, muted: bool | None = None
    ) -> FailureGrouping:
        jobs = self._limits.statistics_jobs
        return await self._readers.search(
            lambda c, _: failure_rows.failures(c, tenant_id, span, limit, jobs, muted=muted)
        )

    async def failure_group(self, key: GroupKey, span: FailureSpan) -> FailureGroup | None:
        jobs = self._limits.statistics_jobs
        return await self._readers.search(lambda c, _: failure_rows.group(c, key, span, jobs))

    async def last_failure(self, fingerprint: str, tenant_id: str | None) -> Job | None:
        wanted = JobFilter(tenant_id=tenant_id, fingerprint=fingerprint)
        found = await self._readers.search(lambda c, _: job_filters.listed(c, wanted, 1, None))
        return found[0] if found else None

    async def write_failure_note(
        self, key: GroupKey, note: str | None, owner: str | None, at: Instant, *, audit: NewAudit
    ) -> bool:
        return await self._audited(lambda c: failure_note_rows.write(c, key, note, owner, at), audit)

    async def mute_failures(self, key: GroupKey, muted: Mute, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: failure_note_rows.mute(c, key, muted), audit)

    async def unmute_failures(self, key: GroupKey, at: Instant, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: failure_note_rows.unmute(c, key, at), audit)

    async def delete_failure_notes(self, before: Instant) -> None:
        await self._batcher.write(lambda c: failure_note_rows.delete_unused(c, before))

    async def presets(self, tenant_id: str, workflow_id: str) -> list[Preset]:
        return await self._readers.read(lambda c: preset_rows.listed(c, tenant_id, workflow_id))

    async def save_preset(self, preset: Preset, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: preset_rows.save(c, preset), audit)

    async def delete_preset(self, key: PresetKey, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: preset_rows.delete(c, key), audit)

    async def oldest_pending(self, tenant_id: str | None) -> Job | None:
        jobs = self._limits.statistics_jobs
        return await self._readers.search(lambda c, _: statistics_rows.oldest_pending(c, tenant_id, jobs))

    async def troubled(self, tenant_id: str | None, since: Instant, limit: int) -> list[Job]:
        return await self._readers.search(lambda c, _: statistics_rows.troubled(c, tenant_id, since, limit))

    async def runs(self, tenant_id: str | None, since: Instant, until: Instant, limit: int) -> list[RobotRun]:
        return await self._readers.search(lambda c, _: run_rows.runs(c, tenant_id, since, until, limit))

    async def sample_queues(self, at: Instant) -> None:
        await self._batcher.write(lambda c: statistics_rows.sample(c, at, self._limits.statistics_jobs))

    async def queue_samples(
        self, since: Instant, until: Instant | None = None, step_minutes: int = 1
    ) -> list[QueueSample]:
        return await self._readers.search(lambda c, _: statistics_rows.samples(c, since, until, step_minutes))

    async def record_audit(self, audit: NewAudit) -> None:
        await self._audited(lambda _: True, audit)

    async def add_audit_entries(self, entries: Sequence[NewAudit]) -> None:
        await self._batcher.write(lambda c: audit_rows.record(c, [(entry, 1) for entry in entries]))

    async def last_audit_id(self) -> int:
        return await self._readers.read(audit_rows.last_id)

    async def audit(
        self,
        target: str | None,
        actions: Sequence[str],
        limit: int,
        before_id: int | None,
        since: Instant | None = None,
        until: Instant | None = None,
    ) -> list[AuditEntry]:
        return await self._readers.read(lambda c: audit_rows.newest(c, target, actions, limit, before_id, since, until))

    async def add_tenant(self, tenant: Tenant, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: fleet_rows.add_tenant(c, tenant), audit)

    async def tenant(self, tenant_id: str) -> Tenant | None:
        return await self._readers.look_up(lambda c: fleet_rows.find_tenant(c, tenant_id))

    async def tenants(self) -> list[Tenant]:
        return await self._readers.read(fleet_rows.all_tenants)

    async def add_robot(self, robot: Robot, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: fleet_rows.add_robot(c, robot), audit)

    async def robot(self, robot_id: str) -> Robot | None:
        return await self._readers.look_up(lambda c: fleet_rows.find_robot(c, robot_id))

    async def robots(self, tenant_id: str | None) -> list[Robot]:
        return await self._readers.read(lambda c: fleet_rows.all_robots(c, tenant_id))

    async def last_heartbeats(self) -> list[LastHeartbeat]:
        return await self._readers.read(fleet_rows.last_heartbeats)

    async def change_robot(
        self,
        robot_id: str,
        name: str | None,
        tags: tuple[str, ...] | None,
        max_concurrent_jobs: int | None,
        add_tags: tuple[str, ...] = (),
        remove_tags: tuple[str, ...] = (),
        *,
        audit: NewAudit,
    ) -> Robot | None:
        return await self._audited(
            lambda c: fleet_rows.change_robot(c, robot_id, name, tags, max_concurrent_jobs, add_tags, remove_tags),
            audit,
        )

    async def order_robots(self, orders: Sequence[RobotOrder], tenant_id: str | None) -> list[OrderedRobot]:
        def order_and_record(connection: sqlite3.Connection) -> list[OrderedRobot]:
            ordered = fleet_rows.order_robots(connection, orders, tenant_id)
            done = zip(orders, ordered, strict=True)
            entries = [(order.audit, 1) for order, result in done if result.outcome is OrderOutcome.DONE]
            audit_rows.record(connection, entries)
            return ordered

        return await self._batcher.write(order_and_record)

    async def add_key(self, key: RobotKey, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: fleet_rows.add_key(c, key), audit)

    async def key(self, key_id: str) -> RobotKey | None:
        return await self._readers.look_up(lambda c: fleet_rows.find_key(c, key_id))

    async def keys(self, robot_id: str) -> list[RobotKey]:
        return await self._readers.read(lambda c: fleet_rows.keys_of(c, robot_id))

    async def revoke_key(self, robot_id: str, key_id: str, at: Instant, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: fleet_rows.revoke_key(c, robot_id, key_id, at), audit)

    async def valid_keys(self, key_ids: Sequence[str]) -> set[str]:
        return await self._readers.look_up(lambda c: id_lists.valid_keys(c, key_ids))

    async def add_steps(self, report: StepReport) -> bool:
        return await self._batcher.write(lambda c: step_writes.add_steps(c, report))

    async def steps(self, job_id: str, attempt: int, after_revision: int) -> StepPage:
        return await self._readers.read(lambda c: step_rows.of_attempt(c, job_id, attempt, after_revision))

    async def pause_queue(self, paused: PausedQueue, *, audit: NewAudit) -> None:
        await self._audited(lambda c: queue_rows.pause(c, paused), audit)

    async def resume_queue(self, queue: str, *, audit: NewAudit) -> None:
        await self._audited(lambda c: queue_rows.resume(c, queue), audit)

    async def paused_queues(self) -> list[PausedQueue]:
        return await self._readers.read(queue_rows.paused)

    async def add_queue(self, queue: Queue, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: queue_rows.add(c, queue), audit)

    async def queues(self) -> list[Queue]:
        return await self._readers.read(queue_rows.every)

    async def queue_depths(self, tenant_id: str | None) -> dict[str, int]:
        return await self._readers.read(lambda c: queue_rows.depths(c, tenant_id))

    async def count_kept(self, kept: RetainedKind) -> int:
        return await self._readers.read(lambda c: retention_rows.count(c, kept))

    async def delete_oldest(self, kept: RetainedKind, before: Instant, limit: int) -> int:
        return await self._batcher.write(lambda c: id_lists.delete_oldest(c, kept, before, limit))

    async def log_volumes(self) -> dict[str, int]:
        return await self._readers.read(log_volumes.volumes)

    async def delete_oldest_lines(self, robot_id: str, limit: int) -> int:
        return await self._batcher.write(lambda c: log_volumes.delete_oldest_of_robot(c, robot_id, limit))

    async def delete_tallies(self, before: Instant) -> None:
        await self._batcher.write(lambda c: retention_rows.delete_tallies(c, before))

    async def now(self) -> Instant | None:
        return None

    async def newest_instant(self) -> Instant | None:
        return await self._readers.read(clock_rows.newest_instant)

    async def check(self) -> None:
        await self._batcher.write(lambda c: c.execute("SELECT 1").fetchone())

    async def prove_writable(self, at: Instant) -> None:
        try:
            await self._batcher.write(lambda c: health_rows.write(c, at))
        except StoreUnavailable as error:
            raise StoreUnavailable(f"the store cannot be written: {error.__cause__ or error}") from error

    async def remove_robot(self, robot_id: str, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: fleet_rows.remove_robot(c, robot_id), audit)

    def statistics(self) -> StoreStatistics:
        return self._batcher.statistics()

    async def close(self) -> None:
        await self._batcher.close()
        await self._readers.close()
        self._lock.close()
