"""Samples the depth of every queue once a minute."""

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.statistics import StatisticsStore

SAMPLE_SECONDS = 60.0
_STEP = round(SAMPLE_SECONDS) * MICROSECONDS_PER_SECOND


class QueueSampler:
    """Safe to run on several instances: the first sample of a minute is kept."""

    def __init__(self, store: StatisticsStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def sample(self) -> None:
        """One round; the sample is stored under the full minute."""
        now = self._clock.now()
        await self._store.sample_queues(Instant(now - now % _STEP))
