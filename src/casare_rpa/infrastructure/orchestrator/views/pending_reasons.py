"""Why jobs are pending: for one job on request, and for the first jobs of each line while viewers watch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job, Phase
from casare_rpa.domain.robots import Placement
from casare_rpa.domain.waiting import Availability, AvailabilityGroup, PendingJob, PendingReason, why_pending, would_fit
from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobReader
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet

WATCHED_LINES = 100
WATCHED_PER_LINE = 10
"""The number of lines, and of jobs in each, whose reasons viewers get. Other reasons are computed on request."""
FIRST_LINES = 200
"""The number of lines of which `first_of_lines` explains the first job."""


@dataclass(frozen=True, slots=True)
class Explained:
    """Why one job is pending, its position in its line, and up to ten robots that could run it."""

    reasons: tuple[PendingReason, ...]
    position: int | None
    robots: list[tuple[str, Availability]]


class ReasonStore(JobReader, AdminStore, Protocol):
    """The ports of the store that `PendingReasons` uses."""


class PendingReasons:
    """Computes reasons from the store and the fleet, and keeps the reasons that viewers have, to find changes."""

    def __init__(self, store: ReasonStore, fleet: Fleet, clock: Clock) -> None:
        self._store = store
        self._fleet = fleet
        self._clock = clock
        self._shown: dict[str, tuple[PendingReason, ...]] = {}

    async def explain(self, job: Job) -> Explained | None:
        """Why the job is pending now; `None` when it is not pending."""
        if job.phase not in (Phase.PENDING, Phase.OFFER):
            return None
        now = self._clock.now()
        ready = job.phase is Phase.PENDING and (job.not_before is None or job.not_before <= now)
        position = await self._store.position(job) if ready else None
        groups = self._groups(job.placement)
        reasons = self._reasons(job, position, groups, await self._paused(), now)
        return Explained(reasons, position, would_fit(job.placement, groups))

    def shown(self, job_id: str) -> tuple[PendingReason, ...]:
        """The reasons that viewers were shown last; empty while no viewer watches."""
        return self._shown.get(job_id, ())

    async def changed(self) -> list[tuple[Job, tuple[PendingReason, ...]]]:
        """The watched jobs whose reasons differ from those shown last. They count as shown from now on."""
        now = self._clock.now()
        paused = await self._paused()
        groups = self._groups_by_placement()
        before, self._shown = self._shown, {}
        found: list[tuple[Job, tuple[PendingReason, ...]]] = []
        for waiting in await self._store.waiting(WATCHED_LINES, WATCHED_PER_LINE):
            job = waiting.job
            reasons = self._reasons(job, waiting.position, groups(job.placement), paused, now)
            self._shown[job.job_id] = reasons
            if before.get(job.job_id) != reasons:
                found.append((job, reasons))
        return found

    async def first_of_lines(self, tenant_id: str | None) -> list[tuple[Job, tuple[PendingReason, ...]]]:
        """The first job of each line of a tenant (or of all), and its reasons; of 200 lines at most."""
        now, paused, groups = self._clock.now(), await self._paused(), self._groups_by_placement()
        return [
            (one.job, self._reasons(one.job, one.position, groups(one.job.placement), paused, now))
            for one in await self._store.waiting(FIRST_LINES, 1, tenant_id)
        ]

    def discard_shown(self, job_id: str) -> None:
        """The reasons of this job were not shown after all: the next round returns them again."""
        self._shown.pop(job_id, None)

    def clear_shown(self) -> None:
        """Drop the shown reasons, because no viewer watches."""
        self._shown.clear()

    def _groups_by_placement(self) -> Callable[[Placement], list[AvailabilityGroup]]:
        """A function that returns the robots of a placement at this moment, grouped by availability.

        Placements without a robot id share the robots of their tenant, so the index is read once per tenant.
        """
        known: dict[tuple[str, str | None], list[AvailabilityGroup]] = {}

        def groups(placement: Placement) -> list[AvailabilityGroup]:
            key = (placement.tenant_id, placement.robot_id)
            if key not in known:
                known[key] = self._groups(placement)
            return known[key]

        return groups

    def _groups(self, placement: Placement) -> list[AvailabilityGroup]:
        return self._fleet.availability(placement, self._clock.monotonic())

    async def _paused(self) -> list[str]:
        return [paused.queue for paused in await self._store.paused_queues()]

    def _reasons(
        self, job: Job, position: int | None, groups: Sequence[AvailabilityGroup], paused: Sequence[str], now: Instant
    ) -> tuple[PendingReason, ...]:
        offered_to = job.robot_id if job.phase is Phase.OFFER else None
        return why_pending(PendingJob(job.placement, job.not_before, position, offered_to), groups, paused, now)
