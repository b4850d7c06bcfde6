"""The store port of maintenance."""

from typing import Protocol

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.domain.statistics import StoreStatistics
from casare_rpa.domain.store_facts import StoreKind
from casare_rpa.infrastructure.orchestrator.ports.sizes import SizeStore


class MaintenanceStore(SizeStore, Protocol):
    """Retention, health and the end of the store."""

    @property
    def kind(self) -> StoreKind: ...

    @property
    def shared(self) -> bool:
        """Whether other instances can use the store at the same time. It never changes."""
        ...

    async def delete_oldest(self, kept: RetainedKind, before: Instant, limit: int) -> int:
        """Delete up to `limit` of the oldest rows that are older than `before`; returns their number.

        A row of exactly `before` stays. A job goes with its history, log lines and idempotency key; one that has not
        ended stays. The greatest numbers of its changes are recorded in the same transaction: `ShownChanges.deleted`.
        The newest log line and the newest audit entry always stay, as their ids must not be reused.
        """
        ...

    async def delete_oldest_lines(self, robot_id: str, limit: int) -> int:
        """Delete up to `limit` of the oldest log lines of a robot; returns their number.

        The newest line of all robots always stays, as its id must not be reused.
        """
        ...

    async def delete_tallies(self, before: Instant) -> None:
        """Delete counts of ends, by whole minutes, and samples of queues from before that instant."""
        ...

    async def delete_failure_notes(self, before: Instant) -> None:
        """Delete notes, owners and mutes last changed before that instant, of groups without a stored job."""
        ...

    async def now(self) -> Instant | None:
        """The time of the store's clock. `None`: it has none of its own, and that of the machine counts."""
        ...

    async def newest_instant(self) -> Instant | None:
        """The newest stored instant of a write; `None` in a new store.

        Writes that store no instant of this kind (a pause, an order) may be newer.
        """
        ...

    async def check(self) -> None:
        """Commit an empty transaction.

        Raises:
            StoreUnavailable: nothing can be written now.
        """
        ...

    async def prove_writable(self, at: Instant) -> None:
        """Commit a row, the same each time.

        Raises:
            StoreUnavailable: nothing can be written now; the sentence has the reason.
        """
        ...

    async def until_outdated(self) -> StoreUnavailable:
        """Wait until programs of this version can no longer use the store; returns the reason.

        This happens to an instance that was cut off while a newer version removed what this one needs. A store that
        one process uses alone never returns.
        """
        ...

    def statistics(self) -> StoreStatistics: ...

    async def close(self) -> None:
        """Commit waiting writes and close the connections. Later calls raise StoreUnavailable."""
        ...
