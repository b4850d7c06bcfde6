"""How late the event loop runs its callbacks."""

from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

PROBE_SECONDS = 0.1
MEASURE_SECONDS = 1.0


class LoopLag:
    """Sleeps for a short time and measures how much longer it took: each callback of the loop waits as long."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._worst_seconds = 0.0
        self.last_seconds = 0.0
        """The delay of the last round, in seconds."""

    async def measure(self) -> None:
        """One round."""
        began = self._clock.monotonic()
        await self._clock.sleep(PROBE_SECONDS)
        self.last_seconds = max(0.0, self._clock.monotonic() - began - PROBE_SECONDS)
        self._worst_seconds = max(self._worst_seconds, self.last_seconds)

    def take_worst_seconds(self) -> float:
        """The longest delay since the last call."""
        worst, self._worst_seconds = self._worst_seconds, 0.0
        return worst
