"""Opens the store of a database URL. The only module that imports all backends."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Protocol

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.store_facts import DatabaseServerFacts
from casare_rpa.infrastructure.orchestrator.ports.sizes import SizeStore
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.settings import SQLITE_SCHEME, is_postgres
from casare_rpa.infrastructure.orchestrator.storage.database_copy import CopyEnd, CopyResult, Report, copy_database
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.sqlite import file_size
from casare_rpa.infrastructure.orchestrator.storage.sqlite.copy_end import FileCopyEnd
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
        with _driver_needed():
            from casare_rpa.infrastructure.orchestrator.storage.postgres.store import PostgresStore
        return await PostgresStore.open(database_url, failpoints=failpoints)
    return await SqliteStore.open(Path(database_url.removeprefix(SQLITE_SCHEME)), failpoints=failpoints)


def open_sizes(database_url: str) -> SizeStore:
    """The sizes of the database, which instances may use meanwhile; the caller closes it. It writes nothing.

    Call it inside the event loop that uses it.

    Raises:
        StoreUnavailable: there is no database, or it cannot be read.
    """
    if is_postgres(database_url):
        with _driver_needed():
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


def read_server_facts(database_url: str) -> DatabaseServerFacts:
    """What a PostgreSQL server says about itself; it writes nothing.

    Raises:
        StoreUnavailable: the server cannot be reached, or its driver is not installed.
    """
    with _driver_needed():
        from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Target
        from casare_rpa.infrastructure.orchestrator.storage.postgres.server_facts import read_facts
    return asyncio.run(read_facts(Target(database_url)))


def contract_store(database_url: str) -> list[str]:
    """Remove the structures that only older versions of this program need; returns the names of the contracts.

    Args:
        database_url: as for `open_store`. The schema is brought up to date first.

    Raises:
        StoreUnavailable: a running instance needs them, or the database cannot be changed.
    """
    if is_postgres(database_url):
        with _driver_needed():
            from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Target
            from casare_rpa.infrastructure.orchestrator.storage.postgres.migration import contract_postgres

        return asyncio.run(contract_postgres(Target(database_url)))
    return contract(Path(database_url.removeprefix(SQLITE_SCHEME)))


def copy_store(source_url: str, target_url: str, report: Report) -> CopyResult:
    """Copy a whole database into an empty one, and compare them. A copy that was interrupted continues.

    Args:
        source_url: as for `open_store`. Its schema is brought up to date first.
        target_url: another one. A database file is made if it does not exist.
        report: called with a table, the number of its copied rows, and that of all its rows.

    Raises:
        StoreUnavailable: one of them is in use or cannot be opened, the target has data, or the source is missing.
    """
    if source_url == target_url:
        raise StoreUnavailable("the source and the target are the same database")
    if not is_postgres(source_url) and not (path := Path(source_url.removeprefix(SQLITE_SCHEME))).is_file():
        raise StoreUnavailable(f"there is no database {path}")
    with ExitStack() as opened:
        source, target = (opened.enter_context(closing(_copy_end(url))) for url in (source_url, target_url))
        return copy_database(source, target, report)


def refuse_instances(database_url: str) -> None:
    """Raises StoreUnavailable when instances use a PostgreSQL database. A database file is locked when it is opened."""
    if is_postgres(database_url):
        with closing(_copy_end(database_url)) as end:
            end.check_unused()


class _ClosedEnd(CopyEnd, Protocol):
    def close(self) -> None: ...


def _copy_end(url: str) -> _ClosedEnd:
    if is_postgres(url):
        with _driver_needed():
            from casare_rpa.infrastructure.orchestrator.storage.postgres.copy_end import PostgresCopyEnd
        return PostgresCopyEnd(url)
    return FileCopyEnd(Path(url.removeprefix(SQLITE_SCHEME)))


@contextmanager
def _driver_needed() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise StoreUnavailable(
            f"the driver of PostgreSQL is not installed ({error.name}): pip install 'casare-rpa[server,postgres]'"
        ) from error
