"""A PostgreSQL database as an end of a copy. Implements `database_copy.CopyEnd`."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

import asyncpg
from sqlalchemy import Table

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.storage.cold.copied_rows import AUDIT_COUNTER, Row, copied_tables
from casare_rpa.infrastructure.orchestrator.storage.postgres.cold_connection import ThreadConnection
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import (
    CONNECT_SECONDS,
    LOST,
    Purpose,
    Target,
)
from casare_rpa.infrastructure.orchestrator.storage.postgres.locks import COPY_LOCK, INSTANCE_LOCKS
from casare_rpa.infrastructure.orchestrator.storage.postgres.migration import migrate_postgres
from casare_rpa.infrastructure.orchestrator.storage.statements import POSTGRESQL

# A table of millions of rows is counted and emptied by one statement.
_COPY = Purpose("copy", 3600.0, {"jit": "off", "idle_in_transaction_session_timeout": "60s"})
_TYPES = {int: "bigint", float: "double precision", str: "text"}
_IN_USE = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = ANY ($1::bigint[]::oid[]) AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_SEQUENCE = "SELECT pg_get_serial_sequence($1, $2)"
_FIRST_COUNTERS = f"""
INSERT INTO numbers (name, last)
VALUES ('jobs', 0), ('logs', 0), ('{AUDIT_COUNTER}', (SELECT coalesce(max(audit_id), 0) FROM audit))
ON CONFLICT (name) DO NOTHING
"""  # noqa: S608 - our own names


class PostgresCopyEnd:
    """One connection, with a lock against other copies. Create it outside of an event loop."""

    failures = (*LOST, asyncpg.PostgresError)

    def __init__(self, url: str) -> None:
        """Raises StoreUnavailable: it cannot be opened, or another copy uses it."""
        parts = urlsplit(url)
        self.name = f"the PostgreSQL database {parts.path.removeprefix('/')} at {parts.hostname or 'the local socket'}"
        target = Target(url)
        asyncio.run(migrate_postgres(target))
        self._thread = ThreadConnection(target, _COPY)
        try:
            self.connection = self._thread.open(CONNECT_SECONDS)
            free = self.connection.execute("SELECT pg_try_advisory_lock($1, 0)", (COPY_LOCK,)).fetchone()[0]
        except self.failures as error:
            self._thread.close()
            raise StoreUnavailable(f"{self.name} cannot be opened: {error}") from error
        if not free:
            self._thread.close()
            raise StoreUnavailable(f"{self.name} is in use by another casare db copy")

    def check_unused(self) -> None:
        if self.connection.execute(_IN_USE, (list(INSTANCE_LOCKS),)).fetchone()[0]:
            raise StoreUnavailable(f"{self.name} is in use by an orchestrator; stop all of its instances")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.connection.execute("BEGIN")
        try:
            yield
        except LOST:
            raise  # the server rolls back
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        if not rows:
            return
        columns = ", ".join(POSTGRESQL.identifier_preparer.quote(column.name) for column in table.columns)
        arrays = [f"${number}::{_TYPES[one.type.python_type]}[]" for number, one in enumerate(table.columns, 1)]
        sql = f"INSERT INTO {table.name} ({columns}) SELECT * FROM unnest({', '.join(arrays)})"  # noqa: S608
        self.connection.execute(sql, [list(values) for values in zip(*rows, strict=True)])

    def set_counters(self) -> None:
        self.connection.execute(_FIRST_COUNTERS)
        for table in copied_tables():
            for key in table.primary_key.columns:
                if _TYPES[key.type.python_type] != "bigint":
                    continue
                sequence = self.connection.execute(_SEQUENCE, (table.name, key.name)).fetchone()[0]
                if sequence is not None:
                    newest = f"SELECT max({key.name}) FROM {table.name}"  # noqa: S608 - our own names
                    self.connection.execute(
                        f"SELECT setval('{sequence}', coalesce(({newest}), 1), ({newest}) IS NOT NULL)"
                    )

    def close(self) -> None:
        self._thread.close()
