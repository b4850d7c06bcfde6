"""The store on SQLite: one file, one process, one writing connection, durable to the last commit.

The file lock allows one process. The writes are also correct with several writers on one file, as in simulations, and
after another program changed a value.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, TypeVar

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import Added, Applied, Change, JobToAdd, ShownChanges, StreamState
from casare_rpa.domain.logs import LogFilter, LogLine, LogPage, LogPosition, StoredLine
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.domain.robot_records import Beat
from casare_rpa.domain.robot_sessions import BegunSession, Connecting, LostSession, RunningInstance, SessionKey
from casare_rpa.domain.selection import Slots
from casare_rpa.domain.statistics import StoreStatistics
from casare_rpa.domain.steps import StepReport
from casare_rpa.domain.store_facts import DatabaseSize, StoreKind
from casare_rpa.domain.stored_state import FleetState, JobRevision, StoppingJobs
from casare_rpa.infrastructure.orchestrator.storage.batcher import Batcher
from casare_rpa.infrastructure.orchestrator.storage.cold import audit_rows, copied_rows, instance_rows
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.migrate import newest_revision
from casare_rpa.infrastructure.orchestrator.storage.sqlite import (
    change_rows,
    file_size,
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
from casare_rpa.infrastructure.orchestrator.storage.sqlite.placements import StoredPlacements
from casare_rpa.infrastructure.orchestrator.storage.sqlite.readers import Readers
from casare_rpa.infrastructure.orchestrator.storage.sqlite.session_writes import ConnectRobots, LeaveSessions
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits

T = TypeVar("T")


class BatchCommands:
    """The batch commands of the store, and their caches of stored data."""

    def __init__(self, *, max_offers: int = StoreLimits.offers, tally_slot: int = 0) -> None:
        """`max_offers`: jobs that one claim offers at most. `tally_slot`: where this instance counts its changes."""
        placements = StoredPlacements()
        numbers = ChangeCounters()
        self.add_jobs = AddJobs(placements, numbers, tally_slot)
        self.apply = ApplyChanges(placements, numbers, tally_slot)
        self.claim = ClaimJobs(placements, tally_slot, max_offers=max_offers)
        self.beat = RecordHeartbeats()
        self.connect = ConnectRobots()
        self.leave = LeaveSessions()
        self.append_logs = AppendLogs()
        self.caches: tuple[WriterCache, ...] = (placements, numbers, self.append_logs)


def _begin(connection: sqlite3.Connection) -> None:
    copied_rows.refuse_incomplete(connection)
    instance_rows.forget_all(connection)  # the lock says that no other instance runs


class SqliteStore(InstanceTables):
    """Implements `ports.store.Store`, which states its guarantees."""

    shared = False

    def __init__(
        self,
        batcher: Batcher[sqlite3.Connection],
        readers: Readers,
        commands: BatchCommands,
        lock: IO[bytes],
        limits: StoreLimits | None = None,
    ) -> None:
        super().__init__(batcher, readers, limits or StoreLimits())
        self._commands = commands
        self._lock = lock

    @property
    def kind(self) -> StoreKind:
        return StoreKind("sqlite", newest_revision())

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
                await batcher.write(_begin)
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

    async def fleet_state(self, robot_ids: Sequence[str] | None = None) -> FleetState:
        return await self._readers.read(lambda c: resync_rows.fleet_state(c, robot_ids))

    async def begin_epoch(self, epoch: str, *, audit: NewAudit) -> bool:
        def begin_and_record(connection: sqlite3.Connection) -> bool:
            changed = self._commands.append_logs.begin_epoch(connection, epoch)
            if changed:
                audit_rows.record(connection, [(audit, 1)])
            return changed

        return await self._batcher.write(begin_and_record)

    async def stream(self) -> StreamState:
        return await self._readers.read(change_rows.stream)

    async def changes_after(
        self,
        tenant_id: str | None,
        after: int,
        limit: int,
        known: Sequence[int] = (),  # noqa: ARG002 - only one instance writes a file, so that gaps are rare
    ) -> ShownChanges:
        return await self._readers.read(lambda c: change_rows.changes_after(c, tenant_id, after, limit))

    async def running_jobs(self) -> list[JobRevision]:
        return await self._readers.read(resync_rows.running_jobs)

    async def stopping_jobs(self, after_event_id: int | None) -> StoppingJobs:
        return await self._readers.read(lambda c: resync_rows.stopping_jobs(c, after_event_id))

    async def log_lines(self, log_ids: Sequence[int]) -> list[StoredLine]:
        return await self._readers.read(lambda c: id_lists.lines_by_id(c, log_ids))

    async def search_logs(
        self, wanted: LogFilter, limit: int, start: LogPosition | None, *, oldest_first: bool = False
    ) -> LogPage:
        lines = self._limits.scanned_lines
        return await self._readers.search(
            lambda c, search: log_search.search(c, wanted, limit, start, lines, search, oldest_first=oldest_first)
        )

    async def valid_keys(self, key_ids: Sequence[str]) -> set[str]:
        return await self._readers.look_up(lambda c: id_lists.valid_keys(c, key_ids))

    async def add_steps(self, report: StepReport) -> bool:
        return await self._batcher.write(lambda c: step_writes.add_steps(c, report))

    async def delete_oldest(self, kept: RetainedKind, before: Instant, limit: int) -> int:
        return await self._batcher.write(lambda c: id_lists.delete_oldest(c, kept, before, limit))

    async def sizes(self) -> DatabaseSize:
        return await self._readers.read(file_size.measure)

    async def delete_oldest_lines(self, robot_id: str, limit: int) -> int:
        return await self._batcher.write(lambda c: log_volumes.delete_oldest_of_robot(c, robot_id, limit))

    async def now(self) -> Instant | None:
        return None

    async def until_outdated(self) -> StoreUnavailable:
        never: asyncio.Future[StoreUnavailable] = asyncio.get_running_loop().create_future()
        return await never  # the lock of the file keeps other programs away

    async def check(self) -> None:
        await self._batcher.write(lambda c: c.execute("SELECT 1").fetchone())

    def statistics(self) -> StoreStatistics:
        return self._batcher.statistics()

    async def close(self) -> None:
        await self._batcher.close()
        await self._readers.close()
        self._lock.close()
