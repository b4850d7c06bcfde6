"""The size of a SQLite database by table."""

import sqlite3
from collections.abc import Mapping

from casare_rpa.domain.store_facts import DatabaseSize, TableSize
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection

PAGES = "dbstat"
"""SQLite's table of pages. A build without the option SQLITE_ENABLE_DBSTAT_VTAB does not have it."""
SAMPLED_ROWS = 200
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name"


def measure(connection: SqlConnection, *, pages: str = PAGES) -> DatabaseSize:
    """The size of every table with its indexes. It reads the whole file.

    Without `pages`, the used part of the file is divided among the tables by their rows and the size of the
    first ones; the sizes are then marked as estimates.
    """
    rows = {name: _number(connection, f'SELECT count(*) FROM "{name}"') for (name,) in connection.execute(_TABLES)}  # noqa: S608 - names of the schema
    page_bytes = _number(connection, "PRAGMA page_size")
    total = page_bytes * _number(connection, "PRAGMA page_count")
    free = page_bytes * _number(connection, "PRAGMA freelist_count")
    try:
        sizes = _measured(connection, pages)
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        estimated, sizes = True, _estimated(connection, rows, total - free)
    else:
        estimated = False
    tables = [TableSize(name, number, sizes.get(name, 0), bytes_estimated=estimated) for name, number in rows.items()]
    return DatabaseSize(tuple(tables), total, free)


def _measured(connection: SqlConnection, pages: str) -> dict[str, int]:
    return dict(
        connection.execute(
            f"SELECT tbl_name, sum(pgsize) FROM {pages} JOIN sqlite_master USING (name) "  # noqa: S608 - our own name
            "WHERE aggregate = TRUE GROUP BY tbl_name"
        )
    )


def _estimated(connection: SqlConnection, rows: Mapping[str, int], used: int) -> dict[str, int]:
    weights = {name: number * _row_bytes(connection, name) for name, number in rows.items()}
    whole = sum(weights.values()) or 1.0
    return {name: round(used * weight / whole) for name, weight in weights.items()}


def _row_bytes(connection: SqlConnection, table: str) -> float:
    """The average size of a sample of rows."""
    columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
    size = " + ".join(f'coalesce(length(CAST("{column}" AS BLOB)), 0)' for column in columns)
    sample = f'SELECT {size} AS size FROM "{table}" LIMIT {SAMPLED_ROWS}'  # noqa: S608
    return float(connection.execute(f"SELECT coalesce(avg(size), 0) FROM ({sample})").fetchone()[0])  # noqa: S608


def _number(connection: SqlConnection, sql: str) -> int:
    return int(connection.execute(sql).fetchone()[0])
