"""Opens the store of a database URL. The only module that imports all backends."""

import asyncio
from pathlib import Path
from typing import cast

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.ports.sizes import SizeStore
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.settings import SQLITE_SCHEME, is_postgres
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.sqlite import file_size
from casare_rpa.infrastructure.orchestrator.storage.sqlite.migration import contract
from casare_rpa.infrastructure.orchestrator.storage.sqlite.readers import Readers
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from casare_rpa.infrastructure.orchestrator.storage.tables.size_tables import SizeTables


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


def open_sizes(database_url: str) -> SizeStore:
    """The sizes of the database, which instances may use meanwhile; the caller closes it. It writes nothing.

    Call it inside the event loop that uses it.

    Raises:
        StoreUnavailable: there is no database, or it cannot be read.
    """
    if is_postgres(database_url):
        from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Target
        from casare_rpa.infrastructure.orchestrator.storage.postgres.readers import PostgresReaders
        from casare_rpa.infrastructure.orchestrator.storage.postgres.relation_size import measure

        reads = PostgresReaders(Target(database_url))
        return SizeTables(reads, measure, reads.close)
    path = Path(database_url.removeprefix(SQLITE_SCHEME))
    if not path.is_file():
        raise StoreUnavailable(f"there is no database {path}; name its directory with --data-dir or CASARE_DATA_DIR")
    readers = Readers(path)
    return SizeTables(readers, file_size.measure, readers.close)


def contract_store(database_url: str) -> list[str]:
    """Remove the structures that only older versions of this program need; returns the names of the contracts.

    Args:
        database_url: as for `open_store`. The schema is brought up to date first.

    Raises:
        StoreUnavailable: a running instance needs them, or the database cannot be changed.
    """
    if is_postgres(database_url):
        from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Target
        from casare_rpa.infrastructure.orchestrator.storage.postgres.migration import contract_postgres

        return asyncio.run(contract_postgres(Target(database_url)))
    return contract(Path(database_url.removeprefix(SQLITE_SCHEME)))
