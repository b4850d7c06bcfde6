"""The store on PostgreSQL: many processes, durable to the last commit.

The database orders their writes. No process waits for another one that has stopped.
"""

import asyncio

import asyncpg

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.statistics import StoreStatistics
from casare_rpa.domain.store_facts import DatabaseSize, StoreKind
from casare_rpa.infrastructure.orchestrator.storage.cold import copied_rows
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.migrate import newest_revision
from casare_rpa.infrastructure.orchestrator.storage.postgres import relation_size
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import LOST, Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.list_store import PostgresLists
from casare_rpa.infrastructure.orchestrator.storage.postgres.locks import HeldLocks
from casare_rpa.infrastructure.orchestrator.storage.postgres.log_store import PostgresLogs
from casare_rpa.infrastructure.orchestrator.storage.postgres.migration import migrate_postgres, refuse_contracted
from casare_rpa.infrastructure.orchestrator.storage.postgres.poolers import refuse_transaction_pooler
from casare_rpa.infrastructure.orchestrator.storage.postgres.robot_store import PostgresRobots
from casare_rpa.infrastructure.orchestrator.storage.statements import Statement
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits

_NOW = Statement("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")


class PostgresStore(PostgresRobots, PostgresLogs, PostgresLists):
    """Implements `ports.store.Store`, which states its guarantees."""

    shared = True
    kind = StoreKind("postgresql", newest_revision())

    def __init__(self, target: Target, failpoints: Failpoints, limits: StoreLimits, locks: HeldLocks) -> None:
        """`open` creates it. `locks` are started."""
        super().__init__(target, failpoints, limits, locks.slot)
        self._locks = locks

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        failpoints: Failpoints | None = None,
        limits: StoreLimits | None = None,
    ) -> "PostgresStore":
        """Open the database and bring it to the current schema.

        Args:
            url: `postgresql://user@host/database`, as `Settings.store_url` gives it.
            failpoints: injected faults; inactive until they are armed.
            limits: of single calls.

        Raises:
            StoreUnavailable: the database cannot be opened, or a pooler in transaction mode is before it.
        """
        target = Target(url)
        await migrate_postgres(target)
        locks = HeldLocks(target, schema=int(newest_revision()), check=refuse_contracted)
        try:
            await refuse_transaction_pooler(target)
            await locks.start()
        except StoreUnavailable:
            await locks.close()
            raise
        except (*LOST, asyncpg.PostgresError) as error:
            await locks.close()
            raise StoreUnavailable(f"the database at CASARE_DATABASE_URL cannot be opened: {error}") from error
        store = cls(target, failpoints or Failpoints(), limits or StoreLimits(), locks)
        try:
            await store._reads.look_up(copied_rows.refuse_incomplete)
            await store.load()
        except BaseException:
            await store.close()
            raise
        return store

    async def load(self) -> None:
        """Read what the commands keep in memory."""

    async def hold_name(self, name: str) -> bool:
        return await self._locks.hold(name)

    async def until_outdated(self) -> StoreUnavailable:
        return await self._locks.refused()

    async def now(self) -> Instant | None:
        return await self._reads.look_up(lambda c: Instant(_NOW.run(c).fetchone()[0]))

    async def check(self) -> None:
        # The answers of all earlier writes come first: see `bus.events.all_published`.
        await asyncio.gather(*(writer.settled() for writer in self._writers))
        await self._cold_writes.write(lambda c: c.execute("SELECT 1"))

    async def sizes(self) -> DatabaseSize:
        return await self._reads.read(relation_size.measure)

    def statistics(self) -> StoreStatistics:
        cold, hot = self._cold_writes, self._writers
        return StoreStatistics(
            cold.commits + sum(one.commits for one in hot),
            cold.waiting + sum(one.waiting for one in hot),
            cold.failures + sum(one.failures for one in hot),
        )

    async def close(self) -> None:
        for writer in self._writers:
            await writer.close()
        await self._cold_writes.close()
        await self._readers.close()
        await self._locks.close()
