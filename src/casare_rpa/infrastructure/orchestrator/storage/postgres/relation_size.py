"""The size of a PostgreSQL database by table."""

from casare_rpa.domain.store_facts import DatabaseSize, TableSize
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection

COUNTED_ROWS = 1_000_000
"""Rows of a larger table are not counted, but are those of its last ANALYZE."""
_TABLES = """
SELECT relname, reltuples::bigint, pg_total_relation_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY relname
"""


def measure(connection: SqlConnection, *, counted_rows: int = COUNTED_ROWS) -> DatabaseSize:
    """The size of every table with its indexes and large values."""
    tables = []
    for name, last_known, size in connection.execute(_TABLES).fetchall():
        estimated = last_known > counted_rows
        rows = last_known if estimated else connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - a name of the schema
        tables.append(TableSize(name, int(rows), int(size), rows_estimated=estimated))
    total = connection.execute("SELECT pg_database_size(current_database())").fetchone()[0]
    return DatabaseSize(tuple(tables), int(total), 0)
