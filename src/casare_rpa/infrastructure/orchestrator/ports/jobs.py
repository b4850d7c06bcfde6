"""The store port of jobs."""

from collections.abc import Sequence
from typing import Protocol

from casare_rpa.domain.audit import NewAudit
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
from casare_rpa.domain.robot_sessions import SessionKey
from casare_rpa.domain.selection import Slots
from casare_rpa.domain.statistics import JobCount
from casare_rpa.domain.stored_state import JobRevision, StoppingJobs


class JobWriter(Protocol):
    """Writes of the dispatcher, the reports and the rescuer."""

    async def add_jobs(self, jobs: Sequence[JobToAdd], *, audit: NewAudit | None = None) -> list[Added | None]:
        """Insert jobs in order, each with a first history entry (`T1`, `submitted`). A call is all or nothing.

        Each new job is a change that viewers see, and is numbered in the transaction.

        Returns `None` for every job, and adds nothing, when an idempotency key of the tenant exists with another body.
        With the same body it returns the first job and `created=False`. `audit` is written when a job was created.
        """
        ...

    async def claim(self, slots: Slots, at: Instant) -> list[Job]:
        """Offer pending jobs to these robots (transition T2) and return the offered jobs.

        Reads only the heads of placements that one of the slots can serve. The transaction counts the free slots again
        from offers and leases. Jobs of paused queues, and those before their `not_before`, are not offered.
        """
        ...

    async def apply(
        self, changes: Sequence[Change], *, audit: NewAudit | None = None, session: SessionKey | None = None
    ) -> list[Applied]:
        """Decide each change by the transition table, in order, and write jobs and history in one transaction.

        A refusal is a result and affects no other change. A change of a job sees the changes before it.
        Changes that viewers see are numbered in the transaction, without gaps and in the order of commits.
        `audit` is written when the table accepted at least one change. With `session`, nothing is changed and the
        result is empty when it is not the newest session of its robot.
        """
        ...

    async def due(self, at: Instant, limit: int, instance: str = "") -> list[tuple[str, str]]:
        """(job_id, event name) of up to `limit` jobs with an event that is due at `at`, inclusive.

        Leases, held offers and periods of grace of robots that are connected to another instance than `instance` are
        left to that one.

        The events are `offer_expired`, `held_offer_expired` (to a robot without `claim_ack`), `lease_over`,
        `deadline_over`, `grace_over` and `queue_expired`. The result is a hint: `apply` checks again.
        """
        ...

    async def extend_leases(self, until: Instant, instance: str | None = None) -> int:
        """Extend leases, and offers to robots that start without an acknowledgement, to `until` at least.

        Without `instance` all of them, otherwise not those of robots that are connected to another instance.

        For the time after the process was suspended. Returns the number of extended leases and offers.
        """
        ...


class JobReader(Protocol):
    """Jobs and their history, read from one committed snapshot per call."""

    async def job(self, job_id: str) -> Job | None: ...

    async def jobs(
        self,
        wanted: JobFilter,
        limit: int,
        after: tuple[Instant, str] | None,
        order: JobOrder = JobOrder.NEWEST,
    ) -> list[Job]:
        """`after` is the position (`JobOrder.position`) of the last job of the page before (keyset paging).

        An order by the end lists ended jobs only. A filter by the end is fast with such an order only.
        """
        ...

    async def count_jobs(self, wanted: JobFilter, most: int | None = None) -> JobCount:
        """Counts stop at `most`, or at `StoreLimits.counted_jobs`."""
        ...

    async def open_jobs(self, tenant_id: str | None, limit: int, after_id: str | None) -> list[Job]:
        """Jobs that have not ended and have a greater id than `after_id`, by id."""
        ...

    async def held_jobs(self, robot_id: str) -> list[Job]:
        """Jobs that are offered to this robot, or claimed or run by it, by id."""
        ...

    async def stream(self) -> StreamState:
        """The epoch, and the newest numbers of changes that viewers see."""
        ...

    async def changes_after(
        self, tenant_id: str | None, after: int, limit: int, known: Sequence[int] = ()
    ) -> ShownChanges:
        """Up to `limit` changes that viewers see, after a number, of a tenant (`tenant_seq`) or of all (`seq`).

        Numbers become visible in order. Changes of deleted jobs are missing: their numbers are up to `deleted`.
        `known` is for the changes of all tenants: the answer need not have the changes with these numbers, in order.
        """
        ...

    async def running_jobs(self) -> list[JobRevision]:
        """The running jobs."""
        ...

    async def stopping_jobs(self, after_event_id: int | None) -> StoppingJobs:
        """The open jobs whose cancel advanced in a history entry after `after_event_id`.

        Each job occurs once. `None` returns the last entry and no jobs. Entries become visible in order of their ids.
        """
        ...

    async def position(self, job: Job) -> int:
        """The position of a ready job among those of its placement, 1 being next; at most 10,001."""
        ...

    async def waiting(self, lines: int, each: int, tenant_id: str | None = None) -> list[WaitingJob]:
        """The first `each` jobs of up to `lines` placements of a tenant, or of all.

        Also those of the tenant among the first `each` delayed and the first `each` offered jobs.
        """
        ...

    async def job_history(self, job_id: str, limit: int, after_id: int = 0) -> list[JobHistoryEntry]:
        """Up to `limit` entries after an event id, oldest first."""
        ...
