"""The store port of statistics."""

from typing import Protocol

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.statistics import Counts, Ended, QueueSample, RobotRun


class StatisticsStore(Protocol):
    """Counts and lists over many jobs, for the overview and the metrics."""

    async def counts(self, tenant_id: str | None, at: Instant) -> Counts: ...

    async def ended(
        self, tenant_id: str | None, since: Instant, until: Instant | None = None, step_minutes: int = 1
    ) -> list[Ended]:
        """Jobs that ended from `since` and before `until`, by whole minutes, oldest first; cancelled jobs are left out.

        An item covers `step_minutes`; items begin at multiples of these since 1970.
        """
        ...

    async def oldest_pending(self, tenant_id: str | None) -> Job | None:
        """The first submitted of the jobs that can be offered now.

        If none of the first `StoreLimits.statistics_jobs` pending jobs can be, it is the job at the head of a placement
        that waited longest.
        """
        ...

    async def troubled(self, tenant_id: str | None, since: Instant, limit: int) -> list[Job]:
        """Jobs that ended unconfirmed since then, newest first, and held jobs out of contact; up to `limit` of each."""
        ...

    async def last_jobs(self, tenant_id: str | None, limit: int) -> list[Job]:
        """The newest job of up to `limit` workflows, by the workflow's name."""
        ...

    async def runs(self, tenant_id: str | None, since: Instant, until: Instant, limit: int) -> list[RobotRun]:
        """Runs of robots between two instants: up to `limit` open ones, then up to `limit` ended ones, newest first.

        Runs that ended more than a day after `until` are left out.
        """
        ...

    async def sample_queues(self, at: Instant) -> None:
        """Store the depth of each queue and the wait of its first job. A sample of the same instant stays as it is."""
        ...

    async def queue_samples(
        self, since: Instant, until: Instant | None = None, step_minutes: int = 1
    ) -> list[QueueSample]:
        """Samples from `since` and before `until`, in order of time.

        With more than one step minute, one item has the largest values of the samples of these minutes.
        """
        ...
