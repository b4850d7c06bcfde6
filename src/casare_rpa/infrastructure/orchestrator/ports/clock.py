"""The clock port."""

from typing import Protocol

from casare_rpa.domain.instants import Instant


class Clock(Protocol):
    """Wall time, monotonic time and sleep. Tests inject their own."""

    def now(self) -> Instant:
        """The current instant. It never goes back in a process, even when the wall clock does.

        The wall clock is that of the store, or that of the machine if the store has none (`MaintenanceStore.now`).
        After a restart it continues from `MaintenanceStore.newest_instant`.
        """
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; for durations and rates."""
        ...

    def jump_seconds(self) -> float:
        """Seconds by which the wall clock moved against the monotonic one since the last call.

        `now()` follows a jump forward (a machine that was suspended). After a jump back it runs slower for a while.
        """
        ...

    def follow(self, now: Instant, round_trip_seconds: float) -> None:
        """Follow the clock of the store: it showed `now` during a call that took this long and has just ended."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; cancel-safe."""
        ...
