"""The writing connection of SQLite, as group commit uses it."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from casare_rpa.domain.errors import StoreUnavailable

logger = logging.getLogger(__name__)

BUSY_SECONDS = 10.0
CHECKPOINT_PAGES = 8_000
"""Pages of 4 KiB between two checkpoints. A checkpoint writes each changed page once. With SQLite's default of 1,000,
ten thousand busy robots cause ten checkpoints a second of nearly as many pages each. Only the writing connection
checkpoints: a second one would meet a bug of SQLite before 3.51.3 that damages databases."""

_BAD_CALL = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
"""Errors that a value of one call can cause. All others of sqlite3 mean that the database itself failed."""


class WriterCache(Protocol):
    """Stored data in the memory of a writer, which follows its own transactions."""

    def reload(self, connection: sqlite3.Connection) -> None:
        """Read the data again: writes of this writer were undone."""
        ...

    def follow(self, connection: sqlite3.Connection) -> None:
        """Follow the commits of other writers since the last transaction. Called inside a new transaction."""
        ...


class SqliteDriver:
    """Implements `batcher.Driver` for one database file."""

    def __init__(
        self,
        path: Path,
        *,
        caches: Sequence[WriterCache],
        trace: Callable[[str], None] | None = None,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        """A driver that has not opened its connection.

        Args:
            path: the database file.
            caches: the caches of the batch commands.
            trace: gets each statement of the connection.
            busy_seconds: how long a transaction waits for the one of another connection; then it fails.
        """
        self._path = path
        self._caches = caches
        self._trace = trace
        self._busy_seconds = busy_seconds
        self._data_version: int | None = None

    def connect(self) -> sqlite3.Connection:
        """Raises StoreUnavailable when the file cannot be opened."""
        try:
            connection = sqlite3.connect(self._path, timeout=self._busy_seconds, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA journal_size_limit = 67108864")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            connection.execute("PRAGMA mmap_size = 0")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA cache_size = -65536")
            self.foreign_commit(connection)  # before the caches are read, so that a later commit is noticed
            self.reload_caches(connection)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the database {self._path} cannot be opened: {error}") from error
        if self._trace is not None:
            connection.set_trace_callback(self._trace)
        return connection

    def begin(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        # This transaction has the write lock: no other connection commits between this question and its COMMIT.
        if self.foreign_commit(connection):
            for cache in self._caches:
                cache.follow(connection)

    def foreign_commit(self, connection: sqlite3.Connection) -> bool:
        """Whether another connection committed since the last call. True too often is slow, but correct.

        `PRAGMA data_version` changes with commits of other connections and with truncations of the write-ahead log, not
        with commits of this connection. Inside a transaction it costs 0.9 µs, because it reads no page.
        """
        before, self._data_version = self._data_version, connection.execute("PRAGMA data_version").fetchone()[0]
        return before != self._data_version

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
        for cache in self._caches:
            cache.reload(connection)

    def disconnect(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            logger.warning("the write-ahead log was not checkpointed; the next start reads it: %s", error)
        connection.close()
