"""Why jobs wait: asked about one job, and watched for those at the front of every line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job, Phase
from casare_rpa.domain.robots import Placement
from casare_rpa.domain.waiting import Asked, Availability, AvailabilityGroup, PendingReason, why_pending, would_fit
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet

LINES = 100
EACH = 10
"""How many lines, and jobs of each, are watched: beyond that a job's reasons are computed when someone asks."""
FIRST_LINES = 200
"""Of how many lines the first job is explained at once."""


@dataclass(frozen=True, slots=True)
class Explained:
    """Why one job is pending, where it stands, and up to ten robots that would fit, by id."""

    reasons: tuple[PendingReason, ...]
    position: int | None
    robots: list[tuple[str, Availability]]


class PendingReasons:
    """Computed from the store and the fleet each time; what was told last is kept to tell only what changed."""

    def __init__(self, store: Store, fleet: Fleet, clock: Clock) -> None:
        self._store = store
        self._fleet = fleet
        self._clock = clock
        self._told: dict[str, tuple[PendingReason, ...]] = {}

    async def explain(self, job: Job) -> Explained | None:
        """Why it is pending now; `None` when it is not."""
        if job.phase not in (Phase.PENDING, Phase.OFFER):
            return None
        now = self._clock.now()
        ready = job.phase is Phase.PENDING and (job.not_before is None or job.not_before <= now)
        position = await self._store.position(job) if ready else None
        crowds = self._crowds(job.placement)
        reasons = self._reasons(job, position, crowds, await self._paused(), now)
        return Explained(reasons, position, would_fit(job.placement, crowds))

    def told(self, job_id: str) -> tuple[PendingReason, ...]:
        """What viewers were told of a job last; nothing while nobody watches."""
        return self._told.get(job_id, ())

    async def changed(self) -> list[tuple[Job, tuple[PendingReason, ...]]]:
        """One look at the front of every line: the jobs whose reasons are others than those told last."""
        now = self._clock.now()
        paused = await self._paused()
        crowds = self._crowds_of_all()
        told, self._told = self._told, {}
        found: list[tuple[Job, tuple[PendingReason, ...]]] = []
        for waiting in await self._store.waiting(LINES, EACH):
            job = waiting.job
            reasons = self._reasons(job, waiting.position, crowds(job.placement), paused, now)
            self._told[job.job_id] = reasons
            if told.get(job.job_id) != reasons:
                found.append((job, reasons))
        return found

    async def first_of_lines(self, tenant_id: str | None) -> list[tuple[Job, tuple[PendingReason, ...]]]:
        """The first job of each line of a tenant (or of all), and why it waits."""
        now, paused, crowds = self._clock.now(), await self._paused(), self._crowds_of_all()
        return [
            (one.job, self._reasons(one.job, one.position, crowds(one.job.placement), paused, now))
            for one in await self._store.waiting(FIRST_LINES, 1, tenant_id)
        ]

    def forget_job(self, job_id: str) -> None:
        """Its reasons were not shown: the next round compares them with none."""
        self._told.pop(job_id, None)

    def forget(self) -> None:
        """Nobody watches any more."""
        self._told.clear()

    def _crowds_of_all(self) -> Callable[[Placement], list[AvailabilityGroup]]:
        """The crowds of any placement at this moment. All that name no robot ask the same robots of their tenant, so
        the fleet is looked through once for each tenant, however many lines there are."""
        known: dict[tuple[str, str | None], list[AvailabilityGroup]] = {}

        def crowds(placement: Placement) -> list[AvailabilityGroup]:
            key = (placement.tenant_id, placement.robot_id)
            if key not in known:
                known[key] = self._crowds(placement)
            return known[key]

        return crowds

    def _crowds(self, placement: Placement) -> list[AvailabilityGroup]:
        return self._fleet.availability(placement, self._clock.monotonic())

    async def _paused(self) -> list[str]:
        return [paused.queue for paused in await self._store.paused_queues()]

    def _reasons(
        self, job: Job, position: int | None, crowds: Sequence[AvailabilityGroup], paused: Sequence[str], now: Instant
    ) -> tuple[PendingReason, ...]:
        offered_to = job.robot_id if job.phase is Phase.OFFER else None
        return why_pending(Asked(job.placement, job.not_before, position, offered_to), crowds, paused, now)
