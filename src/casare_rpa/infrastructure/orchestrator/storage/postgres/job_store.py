"""The part of the store on PostgreSQL on jobs that change: submits, offers, reports, and the reads that follow them."""

from collections.abc import Sequence

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import Added, Applied, Change, JobToAdd, ShownChanges, StreamState
from casare_rpa.domain.robot_sessions import SessionKey
from casare_rpa.domain.selection import Slots
from casare_rpa.domain.stored_state import FleetState, JobRevision, StoppingJobs
from casare_rpa.infrastructure.orchestrator.storage.cold import audit_rows, epoch_rows
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.placements import Placements
from casare_rpa.infrastructure.orchestrator.storage.postgres import change_reads, claims
from casare_rpa.infrastructure.orchestrator.storage.postgres.base import PostgresTables
from casare_rpa.infrastructure.orchestrator.storage.postgres.claims import OfferJobs
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.job_changes import AddPostgresJobs, ApplyPostgresChanges
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits

_SKIP_IDS = Statement("UPDATE numbers SET last = last + :skipped WHERE name = 'logs'")
SKIPPED_IDS = 10**10


class PostgresJobs(PostgresTables):
    """Implements `ports.jobs.JobWriter`, except for portable methods, and parts of `ports.jobs.JobReader`."""

    def __init__(self, target: Target, failpoints: Failpoints, limits: StoreLimits, tally_slot: int) -> None:
        super().__init__(target, failpoints, limits, tally_slot)
        self._placements = Placements()
        self._submits = self._hot("submits", AddPostgresJobs(self._placements.add, tally_slot))
        self._changes = self._hot("changes", ApplyPostgresChanges(self._placements.add, tally_slot))
        self._claims = self._hot(
            "claims", OfferJobs(self._placements, tally_slot, max_offers=limits.offers), claims.SETTINGS
        )

    async def add_jobs(self, jobs: Sequence[JobToAdd], *, audit: NewAudit | None = None) -> list[Added | None]:
        answer: list[Added | None] = await self._submits.submit((jobs, audit))
        return answer

    async def claim(self, slots: Slots, at: Instant) -> list[Job]:
        answer: list[Job] = await self._claims.submit((slots, at))
        return answer

    async def apply(
        self, changes: Sequence[Change], *, audit: NewAudit | None = None, session: SessionKey | None = None
    ) -> list[Applied]:
        answer: list[Applied] = await self._changes.submit((changes, audit, session))
        return answer

    async def stream(self) -> StreamState:
        return await self._reads.read(change_reads.stream)

    async def changes_after(
        self, tenant_id: str | None, after: int, limit: int, known: Sequence[int] = ()
    ) -> ShownChanges:
        return await self._reads.read(lambda c: change_reads.changes_after(c, tenant_id, after, limit, known))

    async def fleet_state(self, robot_ids: Sequence[str] | None = None) -> FleetState:
        return await self._reads.read(lambda c: change_reads.fleet_state(c, robot_ids))

    async def running_jobs(self) -> list[JobRevision]:
        return await self._reads.read(change_reads.running_jobs)

    async def stopping_jobs(self, after_event_id: int | None) -> StoppingJobs:
        return await self._reads.read(lambda c: change_reads.stopping_jobs(c, after_event_id))

    async def begin_epoch(self, epoch: str, *, audit: NewAudit) -> bool:
        def begin_and_record(connection: SqlConnection) -> bool:
            changed = epoch_rows.change(connection, epoch)
            if changed:
                _SKIP_IDS.run(connection, skipped=SKIPPED_IDS)
                audit_rows.record(connection, [(audit, 1)])
            return changed

        return await self._writes.write(begin_and_record)
