"""Several writers on one database, which the file lock of the product prevents."""

import io
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any, cast

from casare_rpa.domain.statistics import StoreStatistics
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.storage.batcher import Batcher
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.sqlite.driver import BUSY_SECONDS, SqliteDriver
from casare_rpa.infrastructure.orchestrator.storage.sqlite.readers import Readers
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import BatchCommands, SqliteStore
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits


async def open_unlocked(
    path: Path,
    tally_slot: int,
    *,
    limits: StoreLimits | None = None,
    failpoints: Failpoints | None = None,
    trace: Callable[[str], None] | None = None,
    busy_seconds: float = BUSY_SECONDS,
) -> SqliteStore:
    """A store on a file of the current schema, without its lock. `trace` gets each statement of its writer."""
    limits = limits or StoreLimits()
    commands = BatchCommands(max_offers=limits.offers, tally_slot=tally_slot)
    driver = SqliteDriver(path, caches=commands.caches, trace=trace, busy_seconds=busy_seconds)
    batcher = Batcher(driver, failpoints or Failpoints())
    await batcher.start()
    return SqliteStore(batcher, Readers(path), commands, io.BytesIO(), limits)


class InTurns:
    """Two stores on one database as one `Store`: each call goes to the other one than the call before."""

    def __init__(self, *stores: Store) -> None:
        self._stores = stores
        self._turns = cycle(stores)

    def __getattr__(self, name: str) -> Any:
        return getattr(next(self._turns), name)

    def statistics(self) -> StoreStatistics:
        every = [store.statistics() for store in self._stores]
        return StoreStatistics(
            sum(one.commits for one in every), sum(one.waiting for one in every), sum(one.failures for one in every)
        )

    async def close(self) -> None:
        for store in self._stores:
            await store.close()


async def open_in_turns(path: Path, limits: StoreLimits) -> Store:
    stores = [await open_unlocked(path, slot, limits=limits) for slot in (0, 1)]
    return cast(Store, InTurns(*stores))
