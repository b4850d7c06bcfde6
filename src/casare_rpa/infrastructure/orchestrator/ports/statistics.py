"""The store port of statistics."""

from typing import Protocol

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.statistics import Counts, Ended, FailureGrouping, QueueSample


class StatisticsStore(Protocol):
    """Counts and lists over many jobs, for the overview and the metrics."""

    async def counts(self, tenant_id: str | None, at: Instant) -> Counts: ...

    async def ended(self, tenant_id: str | None, since: Instant) -> list[Ended]:
        """Minutes in which jobs ended, oldest first; cancelled ones are not counted."""
        ...

    async def failures(self, tenant_id: str | None, since: Instant, limit: int) -> FailureGrouping:
        """Up to `limit` groups of failures since then, largest first; of the newest 10,000 failures."""
        ...

    async def oldest_pending(self, tenant_id: str | None) -> Job | None:
        """Of the jobs that could be handed out, the one submitted first; behind 10,000 pending ones that could not,
        the one that has waited longest at the head of a line."""
        ...

    async def troubled(self, tenant_id: str | None, since: Instant, limit: int) -> list[Job]:
        """Jobs that somebody should look at: closed since then without a word of their robot, or out of contact."""
        ...

    async def last_jobs(self, tenant_id: str | None, limit: int) -> list[Job]:
        """The newest job of each workflow, by the workflow's name."""
        ...

    async def sample_queues(self, at: Instant) -> None:
        """Note how deep each queue is."""
        ...

    async def queue_samples(self, since: Instant) -> list[QueueSample]:
        """By time."""
        ...
