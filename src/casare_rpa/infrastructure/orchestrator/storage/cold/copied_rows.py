"""Rows of any table for a copy to another database, and the mark of a database whose copy is not complete. Portable.

Both dialects give equal rows for equal data: numbers and texts as Python has them, in the order of the primary key. A
NUL, which PostgreSQL does not store in a text, is U+FFFD.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Table, bindparam, delete, func, select, tuple_

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.storage.schema import metadata
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement

ROWS_AT_ONCE = 500
MARK = "copying:"
"""The beginning of a name in `numbers` that marks an incomplete copy; the epoch of its source follows."""
OWN = ("schema_info", "epoch")
"""Tables that describe the database itself. They are not copied."""
LAST = "numbers"
"""The table that a copy writes last, with the mark in it."""
AUDIT_COUNTER = "audit"
"""The counter that only PostgreSQL has: SQLite numbers audit entries by itself."""
_MARKS = Statement("SELECT name FROM numbers WHERE name >= 'copying:' AND name < 'copying;'")
_FIRST_TENANT = ("default", "Default", 0)

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """The number of rows of a table, and the SHA-256 digest of all its rows."""

    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class _Reads:
    """The statements on one table."""

    first: Statement
    following: Statement
    count: Statement
    last_key: Statement
    any: Statement
    delete: Statement


def copied_tables() -> list[Table]:
    """The tables of a copy, by name; `numbers` is the last one."""
    names = sorted(set(metadata.tables) - {*OWN, LAST})
    return [metadata.tables[name] for name in (*names, LAST)]


@cache
def _reads(table: Table) -> _Reads:
    keys = list(table.primary_key.columns)
    after = [bindparam(f"key{number}", type_=key.type) for number, key in enumerate(keys)]
    page = select(table).order_by(*keys).limit(bindparam("most"))
    backwards = [key.desc() for key in keys]
    beyond = keys[0] > after[0] if len(keys) == 1 else tuple_(*keys) > tuple_(*after)
    return _Reads(
        first=Statement(page),
        following=Statement(page.where(beyond)),
        count=Statement(select(func.count()).select_from(table)),
        last_key=Statement(select(*keys).order_by(*backwards).limit(1)),
        any=Statement(select(*keys).limit(1)),
        delete=Statement(delete(table)),
    )


def pages(connection: SqlConnection, table: Table, after: Sequence[Any] | None = None) -> Iterator[list[Row]]:
    """All rows with greater keys than `after`, in the order of the primary key, a bounded number at a time."""
    reads, keys = _reads(table), [list(table.columns).index(key) for key in table.primary_key.columns]
    kinds = [column.type.python_type for column in table.columns]
    while True:
        if after is None:
            found = reads.first.run(connection, most=ROWS_AT_ONCE).fetchall()
        else:
            names = {f"key{number}": value for number, value in enumerate(after)}
            found = reads.following.run(connection, **names, most=ROWS_AT_ONCE).fetchall()
        if not found:
            return
        after = [found[-1][key] for key in keys]
        yield [tuple(_value(value, kind) for value, kind in zip(row, kinds, strict=True)) for row in found]


def _value(value: Any, kind: type) -> Any:  # noqa: ANN401 - SQL values
    if value is None:
        return None
    return str(value).replace("\0", "\ufffd") if kind is str else kind(value)


def digest(connection: SqlConnection, table: Table) -> Digest:
    """The digest of a table. Counters that are 0 or that only one dialect has do not count."""
    rows, hashed = 0, hashlib.sha256()
    for page in pages(connection, table):
        for row in page:
            if table.name == LAST and not is_copied_counter(*row):
                continue
            rows += 1
            hashed.update(msgspec.json.encode(row) + b"\n")
    return Digest(rows, hashed.hexdigest())


def is_copied_counter(name: str, last: int) -> bool:
    return last != 0 and name != AUDIT_COUNTER and not name.startswith(MARK)


def count(connection: SqlConnection, table: Table) -> int:
    return int(_reads(table).count.run(connection).fetchone()[0])


def last_key(connection: SqlConnection, table: Table) -> Row | None:
    row = _reads(table).last_key.run(connection).fetchone()
    return tuple(row) if row is not None else None


def delete_all(connection: SqlConnection, table: Table) -> None:
    _reads(table).delete.run(connection)


def marks(connection: SqlConnection) -> list[str]:
    """The marks of an incomplete copy into this database; empty in every other one."""
    return [row[0] for row in _MARKS.run(connection)]


def refuse_incomplete(connection: SqlConnection) -> None:
    """Raises StoreUnavailable when this database is an incomplete copy of another one."""
    if marks(connection):
        raise StoreUnavailable(
            "the database is an incomplete copy of another one; run casare db copy again with the same two databases"
        )


def tables_with_data(connection: SqlConnection) -> list[str]:
    """The names of tables with rows that a new database does not have."""
    return [table.name for table in copied_tables() if _has_data(connection, table)]


def _has_data(connection: SqlConnection, table: Table) -> bool:
    if table.name == LAST:
        return any(last != 0 for page in pages(connection, table) for _, last in page)
    if table.name == "tenants":
        return any(row != _FIRST_TENANT for page in pages(connection, table) for row in page)
    return _reads(table).any.run(connection).fetchone() is not None
