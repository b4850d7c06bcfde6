"""The writing connection of SQLite, as group commit uses it."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from casare_rpa.domain.errors import StoreUnavailable

logger = logging.getLogger(__name__)

BUSY_SECONDS = 10.0
CHECKPOINT_PAGES = 8_000
"""Pages of 4 KiB between two checkpoints. A checkpoint writes each changed page once. With SQLite's default of 1,000,
ten thousand busy robots cause ten checkpoints a second of nearly as many pages each. Only the writing connection
checkpoints: a second one would meet a bug of SQLite before 3.51.3 that damages databases."""

_BAD_CALL = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
"""Errors that a value of one call can cause. All others of sqlite3 mean that the database itself failed."""


class SqliteDriver:
    """Implements `batcher.Driver` for one database file."""

    def __init__(
        self,
        path: Path,
        *,
        reload: Sequence[Callable[[sqlite3.Connection], None]],
        trace: Callable[[str], None] | None = None,
    ) -> None:
        """`reload` reads the caches of the batch commands; `trace` gets each statement of the connection."""
        self._path = path
        self._reload = reload
        self._trace = trace

    def connect(self) -> sqlite3.Connection:
        """Raises StoreUnavailable when the file cannot be opened."""
        try:
            connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA journal_size_limit = 67108864")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            connection.execute("PRAGMA mmap_size = 0")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA cache_size = -65536")
            self.reload_caches(connection)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the database {self._path} cannot be opened: {error}") from error
        if self._trace is not None:
            connection.set_trace_callback(self._trace)
        return connection

    def begin(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")

    def commit(self, connection: sqlite3.Connection) -> None:
        connection.execute("COMMIT")

    def rollback(self, connection: sqlite3.Connection) -> None:
        # After some errors, such as a full disk, SQLite has already rolled back.
        if connection.in_transaction:
            connection.execute("ROLLBACK")

    def savepoint(self, connection: sqlite3.Connection) -> None:
        connection.execute("SAVEPOINT one")

    def rollback_to_savepoint(self, connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK TO one")

    def release_savepoint(self, connection: sqlite3.Connection) -> None:
        connection.execute("RELEASE one")

    def fails_transaction(self, error: Exception) -> bool:
        return isinstance(error, sqlite3.Error) and not isinstance(error, _BAD_CALL)

    def reload_caches(self, connection: sqlite3.Connection) -> None:
        for reload in self._reload:
            reload(connection)

    def disconnect(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            logger.warning("the write-ahead log was not checkpointed; the next start reads it: %s", error)
        connection.close()
