"""The clock port."""

from typing import Protocol

from casare_rpa.domain.instants import Instant


class Clock(Protocol):
    """Time, so that tests can own it."""

    def now(self) -> Instant:
        """This instant. Never goes back while the process lives, whatever the wall clock does, and hardly over a
        restart: see `Store.newest_instant`."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; for durations and rates."""
        ...

    def jump_seconds(self) -> float:
        """How far the wall clock moved against the monotonic one since this was last asked.

        `now()` follows a jump forward (a machine that slept), never one back: then it goes slower for a while.
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; cancel-safe."""
        ...
