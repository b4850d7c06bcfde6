"""The store port of maintenance."""

from typing import Protocol

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.domain.statistics import StoreStatistics


class MaintenanceStore(Protocol):
    """Retention, and the life of the store itself."""

    async def count_kept(self, kept: RetainedKind) -> int:
        """How many there are; takes time in proportion, so ask seldom."""
        ...

    async def forget(self, kept: RetainedKind, before: Instant, limit: int) -> int:
        """Delete up to `limit` of the oldest that are older than `before`; answers how many went."""
        ...

    async def forget_tallies(self, before: Instant) -> None:
        """Delete the counts of ends, and the samples of queues, before that moment."""
        ...

    async def newest_instant(self) -> Instant | None:
        """The newest instant at which something is known to have been written; `None` when nothing was yet. What stays
        behind it is at most what leaves no trace (a pause, an order)."""
        ...

    async def check(self) -> None:
        """Raises StoreUnavailable when a write could not be committed now."""
        ...

    def statistics(self) -> StoreStatistics: ...

    async def close(self) -> None:
        """Commit what waits, checkpoint, close."""
        ...
