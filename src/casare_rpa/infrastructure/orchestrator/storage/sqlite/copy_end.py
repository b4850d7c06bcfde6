"""A database file as an end of a copy. Implements `database_copy.CopyEnd`."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Table, insert

from casare_rpa.infrastructure.orchestrator.storage.cold.copied_rows import Row
from casare_rpa.infrastructure.orchestrator.storage.sqlite.file_lock import lock_database, make_database_private
from casare_rpa.infrastructure.orchestrator.storage.sqlite.migration import migrate
from casare_rpa.infrastructure.orchestrator.storage.statements import Statement


class FileCopyEnd:
    """Locks the file until it is closed."""

    failures = (sqlite3.Error,)

    def __init__(self, path: Path) -> None:
        """Raises StoreUnavailable: another process uses the file, or it cannot be opened."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.name = f"the database {path}"
        self._lock = lock_database(path)
        try:
            make_database_private(path)
            migrate(path)
            self.connection = sqlite3.connect(path, isolation_level=None)
        except BaseException:
            self._lock.close()
            raise

    def check_unused(self) -> None:
        """The lock admits no other process."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            # After some errors, such as a full disk, SQLite has already rolled back.
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        self.connection.executemany(Statement(insert(table)).sql, rows)

    def set_counters(self) -> None:
        """SQLite continues after the greatest stored id."""

    def close(self) -> None:
        self.connection.close()
        self._lock.close()
