"""Opens the store of a database URL. The only module that imports all backends."""

from pathlib import Path
from typing import cast

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.settings import SQLITE_SCHEME, is_postgres
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.sqlite.migration import contract
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore


async def open_store(database_url: str, failpoints: Failpoints) -> Store:
    """The opened store, with the current schema; the caller closes it.

    Args:
        database_url: `sqlite:///path` or `postgresql://user@host/database`, as `Settings.store_url` gives it.
        failpoints: injected faults; inactive until they are armed.

    Raises:
        StoreUnavailable: the database is in use or cannot be opened. There is no fallback to another one.
    """
    if is_postgres(database_url):
        try:
            from casare_rpa.infrastructure.orchestrator.storage.postgres.store import PostgresStore
        except ModuleNotFoundError as error:
            raise StoreUnavailable(
                f"the driver of PostgreSQL is not installed ({error.name}): pip install 'casare-rpa[server,postgres]'"
            ) from error
        return cast(Store, await PostgresStore.open(database_url, failpoints=failpoints))
    return await SqliteStore.open(Path(database_url.removeprefix(SQLITE_SCHEME)), failpoints=failpoints)


def contract_store(database_url: str) -> list[str]:
    """Remove the structures that only older versions of this program need; returns the names of the contracts.

    Args:
        database_url: as for `open_store`. The schema is brought up to date first.

    Raises:
        StoreUnavailable: a running instance needs them, or the database cannot be changed.
    """
    return contract(Path(database_url.removeprefix(SQLITE_SCHEME)))
