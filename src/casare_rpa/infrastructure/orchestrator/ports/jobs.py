"""The store port of jobs."""

from collections.abc import Sequence
from typing import Protocol

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import Added, Applied, Change, JobFilter, JobHistoryEntry, JobToAdd, WaitingJob
from casare_rpa.domain.selection import Slots
from casare_rpa.domain.statistics import JobCount
from casare_rpa.domain.stored_state import ChangedJobs


class JobWriter(Protocol):
    """What the dispatcher, the reports and the rescuer do to jobs."""

    async def add_jobs(self, jobs: Sequence[JobToAdd], *, audit: NewAudit | None = None) -> list[Added | None]:
        """Insert jobs with a first history entry (`T1`, `submitted`); order is kept, a call is all or nothing.

        `None` for each of them: nothing was added, as an idempotency key (per tenant) was used with another body. A
        repeat with the same body answers the first job, `created=False`. `audit` is written when a job was created.
        """
        ...

    async def claim(self, slots: Slots, at: Instant) -> list[Job]:
        """Offer waiting jobs to these robots, and answer the offered jobs (transition T2, history written).

        Looks only at the heads of placements that some slot can serve; never at jobs that none can. Free slots are
        counted again from live offers and leases inside the transaction. Paused queues and `not_before` hold.
        """
        ...

    async def apply(self, changes: Sequence[Change], *, audit: NewAudit | None = None) -> list[Applied]:
        """Ask the table about each change, in order, and write what it answers, rows and history, at once.

        A refusal is a result and spoils nothing for its neighbours. Several changes of one job see one another.
        `audit` is written when the table accepted at least one change.
        """
        ...

    async def due(self, at: Instant, limit: int) -> list[tuple[str, str]]:
        """(job_id, event name) of up to `limit` jobs for which `offer_expired`, `lease_over`, `deadline_over`,
        `grace_over` or `queue_expired` is due. A hint: `apply` checks again."""
        ...

    async def extend_leases(self, until: Instant) -> int:
        """After a pause of ours: no live lease, and no offer to a robot that may have started, ends before `until`.
        Answers how many rows were touched."""
        ...


class JobReader(Protocol):
    """Jobs and their history, read from one committed snapshot per call."""

    async def job(self, job_id: str) -> Job | None: ...

    async def jobs(self, wanted: JobFilter, limit: int, before: tuple[Instant, str] | None) -> list[Job]:
        """Newest first; `before` is (submitted_at, job_id) of the last one seen (keyset paging)."""
        ...

    async def count_jobs(self, wanted: JobFilter) -> JobCount:
        """Counted to 10,000 and no further."""
        ...

    async def open_jobs(self, tenant_id: str | None, limit: int, after_id: str | None) -> list[Job]:
        """Jobs that have not ended, by job_id, after `after_id`."""
        ...

    async def held_jobs(self, robot_id: str) -> list[Job]:
        """Jobs that are offered to, or claimed or run by, this robot."""
        ...

    async def changed_jobs(self, after_event_id: int | None) -> ChangedJobs:
        """Jobs with a history entry after this one of which viewers see the effect, each once, as they are now; no jobs
        for `None`. Entries become visible in the order of their ids."""
        ...

    async def position(self, job: Job) -> int:
        """The place of a job that is ready in its line, 1 being next; counted to 10,000 and no further."""
        ...

    async def waiting(self, lines: int, each: int, tenant_id: str | None = None) -> list[WaitingJob]:
        """The first `each` jobs of up to `lines` lines of a tenant (or of all), and of up to `each` jobs that are
        delayed or offered those of the tenant: what viewers look at."""
        ...

    async def job_history(self, job_id: str) -> list[JobHistoryEntry]: ...
