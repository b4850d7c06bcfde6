"""Copies a whole database into an empty one, of any dialect.

A process that is killed leaves a mark in the target, with which the next copy of the same source continues. Each table
is compared by the number of its rows and a digest. The last transaction writes the counters and a new epoch, and
removes the mark: before it, no orchestrator uses the target.
"""

import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Table

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.storage.cold import copied_rows, epoch_rows
from casare_rpa.infrastructure.orchestrator.storage.cold.copied_rows import LAST, MARK, Row
from casare_rpa.infrastructure.orchestrator.storage.schema import epoch, numbers
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection

Report = Callable[[str, int, int], None]
"""Called after each page with a table, the number of its copied rows, and that of all its rows."""


class CopyEnd(Protocol):
    """An opened database of the current schema, which nothing else uses. The caller closes it."""

    @property
    def name(self) -> str:
        """How sentences call it; without a password."""
        ...

    @property
    def connection(self) -> SqlConnection: ...

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """The errors of its driver."""
        ...

    def check_unused(self) -> None:
        """Raises StoreUnavailable when an orchestrator uses the database."""

    def transaction(self) -> AbstractContextManager[None]:
        """All writes inside it are durable at its end, or none."""
        ...

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows with all columns."""

    def set_counters(self) -> None:
        """Let the numbers that the database gives to new rows continue after the stored ones."""


@dataclass(frozen=True, slots=True)
class CopyResult:
    """A complete copy: the new epoch, and the number of rows of each table."""

    epoch: str
    tables: dict[str, int]


def copy_database(source: CopyEnd, target: CopyEnd, report: Report) -> CopyResult:
    """Copy every row, and compare both databases.

    Raises:
        StoreUnavailable: one of them is in use or fails, the target has other data, or the copies differ.
    """
    try:
        return _copied(source, target, report)
    except (*source.failures, *target.failures) as error:
        raise StoreUnavailable(f"the copy stopped: {error}. The same command continues it") from error


def _copied(source: CopyEnd, target: CopyEnd, report: Report) -> CopyResult:
    for end in (source, target):
        end.check_unused()
    if copied_rows.marks(source.connection):
        raise StoreUnavailable(f"{source.name} is itself an incomplete copy; complete it first")
    mark = f"{MARK}{epoch_rows.find(source.connection)}"
    _mark(target, mark)
    tables = {
        table.name: _copy_table(source, target, table, report)
        for table in copied_rows.copied_tables()
        if table.name != LAST
    }
    for end in (source, target):
        end.check_unused()
    begun = secrets.token_hex(8)
    with target.transaction():
        counters = [row for page in copied_rows.pages(source.connection, numbers) for row in page]
        copied_rows.delete_all(target.connection, numbers)
        target.insert(numbers, [row for row in counters if copied_rows.is_copied_counter(*row)])
        tables[LAST] = _compared(source, target, numbers)
        target.set_counters()
        copied_rows.delete_all(target.connection, epoch)
        target.insert(epoch, [(1, begun)])
    return CopyResult(begun, tables)


def _mark(target: CopyEnd, mark: str) -> None:
    """Mark the target as a copy of this source, unless it is."""
    found = copied_rows.marks(target.connection)
    if found == [mark]:
        return
    if found:
        raise StoreUnavailable(f"{target.name} is an incomplete copy of another database; name an empty database")
    if used := copied_rows.tables_with_data(target.connection):
        raise StoreUnavailable(f"{target.name} has data already ({', '.join(used)}); name an empty database")
    with target.transaction():
        for table in copied_rows.copied_tables():
            copied_rows.delete_all(target.connection, table)
        target.insert(numbers, [(mark, 0)])


def _copy_table(source: CopyEnd, target: CopyEnd, table: Table, report: Report) -> int:
    """Copy the rows that the target lacks; returns the number of all rows. The source may have changed meanwhile."""
    known = copied_rows.last_key(target.connection, table)
    _copy_rows(source, target, table, report, known)
    if known is not None and copied_rows.digest(source.connection, table) != copied_rows.digest(
        target.connection, table
    ):
        with target.transaction():
            copied_rows.delete_all(target.connection, table)
        _copy_rows(source, target, table, report, None)
    return _compared(source, target, table)


def _copy_rows(source: CopyEnd, target: CopyEnd, table: Table, report: Report, after: Row | None) -> None:
    every = copied_rows.count(source.connection, table)
    done = copied_rows.count(target.connection, table) if after is not None else 0
    for page in copied_rows.pages(source.connection, table, after):
        with target.transaction():
            target.insert(table, page)
        done += len(page)
        report(table.name, done, every)


def _compared(source: CopyEnd, target: CopyEnd, table: Table) -> int:
    """The number of rows of a table that both databases have."""
    wanted, copied = (copied_rows.digest(end.connection, table) for end in (source, target))
    if wanted != copied:
        raise StoreUnavailable(
            f"the table {table.name} differs after the copy: {wanted.rows} rows in {source.name}, {copied.rows} in "
            f"{target.name}; something changed one of them meanwhile. Empty the target and copy again"
        )
    return copied.rows
