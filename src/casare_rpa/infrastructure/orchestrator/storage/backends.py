"""Opens the store of a database URL. The only module that imports all backends."""

from pathlib import Path

from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.settings import SQLITE_SCHEME
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.sqlite.migration import contract
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore


async def open_store(database_url: str, failpoints: Failpoints) -> Store:
    """The opened store, with the current schema; the caller closes it.

    Args:
        database_url: `sqlite:///path`, as `Settings.store_url` gives it.
        failpoints: injected faults; inactive until they are armed.

    Raises:
        StoreUnavailable: the database is in use or cannot be opened. There is no fallback to another one.
    """
    return await SqliteStore.open(Path(database_url.removeprefix(SQLITE_SCHEME)), failpoints=failpoints)


def contract_store(database_url: str) -> list[str]:
    """Remove the structures that only older versions of this program need; returns the names of the contracts.

    Args:
        database_url: as for `open_store`. The schema is brought up to date first.

    Raises:
        StoreUnavailable: a running instance needs them, or the database cannot be changed.
    """
    return contract(Path(database_url.removeprefix(SQLITE_SCHEME)))
