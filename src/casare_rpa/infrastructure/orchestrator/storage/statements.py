"""Statements that are written once and compiled for each dialect.

A statement is SQLAlchemy Core, or SQL text with `:named` parameters that both SQLite and PostgreSQL accept. Text in
square brackets is a hint to SQLite's planner, and is left out for other dialects: `FROM jobs [INDEXED BY jobs_open]`,
`[CROSS] JOIN` (which fixes the order of the tables), `[+]status = :status` (which keeps the planner from an index).

PostgreSQL infers the type of a parameter from its first use, so `tenant_id = :tenant_id OR :tenant_id IS NULL` compiles
there and the reverse order does not. It also requires a name for each derived table.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Dialect, Table, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.sql import ClauseElement

SQLITE: Dialect = sqlite.dialect(paramstyle="qmark")
POSTGRESQL: Dialect = PGDialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy has no types here
CACHED_TEXTS = 1_024
_HINT = re.compile(r"\[([^\]]*)\]")
_VALUE = re.compile(r"\?")


class Rows(Protocol):
    """The result of a statement."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...  # noqa: ANN401 - SQL values

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class SqlConnection(Protocol):
    """The interface of a connection for cold statements.

    A connection to another database than SQLite has the attribute `dialect`, for which statements are compiled.
    """

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows: ...


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement in one dialect: its text, the names of its parameters in order, and values that are part of it."""

    sql: str
    names: tuple[str, ...]
    fixed: Mapping[str, Any]


class Statement:
    """A statement with named parameters, compiled for SQLite when it is made, and for another dialect on demand."""

    def __init__(self, source: str | ClauseElement) -> None:
        self._source = source
        self._sqlite = self.compiled(SQLITE)
        self._others: dict[Dialect, Compiled] = {}

    @property
    def sql(self) -> str:
        """The text for SQLite."""
        return self._sqlite.sql

    def compiled(self, dialect: Dialect) -> Compiled:
        element = self._source
        if isinstance(element, str):
            element = text(_HINT.sub(r"\1" if dialect is SQLITE else "", element))
        compiled: Any = element.compile(dialect=dialect)
        fixed = {name: value for name, value in compiled.params.items() if not compiled.binds[name].required}
        return Compiled(str(compiled), tuple(compiled.positiontup or ()), fixed)

    def run(self, connection: SqlConnection, **parameters: Any) -> Rows:  # noqa: ANN401 - SQL values
        """Execute it.

        Raises:
            KeyError: a parameter is missing.
        """
        dialect = getattr(connection, "dialect", SQLITE)
        compiled = self._sqlite if dialect is SQLITE else self._of(dialect)
        values = {**compiled.fixed, **parameters} if compiled.fixed else parameters
        return connection.execute(compiled.sql, [values[name] for name in compiled.names])

    def _of(self, dialect: Dialect) -> Compiled:
        compiled = self._others.get(dialect)
        if compiled is None:
            compiled = self._others[dialect] = self.compiled(dialect)
        return compiled


_texts: dict[str, Statement] = {}


def run_text(connection: SqlConnection, sql: str, values: Sequence[Any]) -> Rows:
    """Execute a statement that was put together for one call, with `?` for each value.

    The compiled statement is cached by its text, so the text must not hold values.
    """
    statement = _texts.get(sql)
    if statement is None:
        if len(_texts) >= CACHED_TEXTS:
            _texts.clear()
        numbers = iter(range(sql.count("?")))
        statement = _texts[sql] = Statement(_VALUE.sub(lambda _: f":p{next(numbers)}", sql))
    return statement.run(connection, **{f"p{number}": value for number, value in enumerate(values)})


def insert_if_absent(table: Table, names: Sequence[str]) -> Statement:
    """An insert that does nothing, and has a `rowcount` of 0, when a row with the same key exists."""
    columns = ", ".join(names)
    values = ", ".join(f":{name}" for name in names)
    return Statement(f"INSERT INTO {table.name} ({columns}) VALUES ({values}) ON CONFLICT DO NOTHING")  # noqa: S608
