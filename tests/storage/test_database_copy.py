"""`casare db copy`: a whole database in another dialect, with equal rows, also after interruptions."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.storage.backends import copy_store
from casare_rpa.infrastructure.orchestrator.storage.cold import copied_rows, epoch_rows
from casare_rpa.infrastructure.orchestrator.storage.database_copy import copy_database
from casare_rpa.infrastructure.orchestrator.storage.postgres.copy_end import PostgresCopyEnd
from casare_rpa.infrastructure.orchestrator.storage.postgres.store import PostgresStore
from casare_rpa.infrastructure.orchestrator.storage.schema import epoch, metadata
from casare_rpa.infrastructure.orchestrator.storage.sqlite.copy_end import FileCopyEnd
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from new_database import new_database
from postgres_server import DEBIAN, NEWEST, running
from storage.postgres_database import empty_database

ROWS = 1_203
"""More than two pages of each table."""


def values_of(table: Table, number: int) -> tuple[Any, ...]:
    """Values of a row: numbers with 64 bits, floating-point numbers with all digits, and unusual texts."""
    texts = (f"ü{number:06}", f"'{number:06}\\\"", f"{number:06}\U0010ffff")
    kinds = [column.type.python_type for column in table.columns]
    made: list[Any] = []
    for place, (column, kind) in enumerate(zip(table.columns, kinds, strict=True)):
        if column.nullable and (number + place) % 3 == 0:
            made.append(None)
        elif kind is float:
            made.append(number / 3 + 1e-300)
        else:
            made.append(2**53 + number if kind is int else texts[place % 3])
    return tuple(made)


def fill(path: Path, rows: int = ROWS) -> None:
    """Add rows to every table of a database file."""
    with closing(FileCopyEnd(path)) as end, end.transaction():
        for table in copied_rows.copied_tables():
            end.insert(table, [values_of(table, number) for number in range(rows)])


def rows_of(end: Any) -> dict[str, list[Any]]:
    return {
        table.name: [
            row
            for page in copied_rows.pages(end.connection, table)
            for row in page
            if table.name != "numbers" or copied_rows.is_copied_counter(*row)
        ]
        for table in copied_rows.copied_tables()
    }


def rows_in_file(path: Path) -> dict[str, list[Any]]:
    with closing(FileCopyEnd(path)) as end:
        return rows_of(end)


def rows_on_server(url: str) -> dict[str, list[Any]]:
    with closing(PostgresCopyEnd(url)) as end:
        return rows_of(end)


def quiet(_table: str, _done: int, _every: int) -> None:
    """Reports nothing."""


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture(params=[DEBIAN, pytest.param(NEWEST, marks=pytest.mark.long)])
def server_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database on each server, emptied again afterwards."""
    yield empty_database(request.param)
    empty_database(request.param)


def test_every_table_is_copied_or_describes_the_database_itself() -> None:
    assert {table.name for table in copied_rows.copied_tables()} | {*copied_rows.OWN} == set(metadata.tables)


@pytest.mark.slow
def test_copy_and_copy_back_have_equal_rows(tmp_path: Path, server_url: str) -> None:
    source, back = new_database(tmp_path), tmp_path / "back" / "casare.db"
    fill(source)
    reported: list[tuple[str, int, int]] = []
    result = copy_store(sqlite_url(source), server_url, lambda *report: reported.append(report))
    assert rows_on_server(server_url) == rows_in_file(source)
    assert {table: number for table, number in result.tables.items() if table not in ("numbers", "tenants")} == {
        table.name: ROWS for table in copied_rows.copied_tables() if table.name not in ("numbers", "tenants")
    }
    assert [report for report in reported if report[0] == "jobs"] == [
        ("jobs", 500, ROWS),
        ("jobs", 1000, ROWS),
        ("jobs", ROWS, ROWS),
    ]
    again = copy_store(server_url, sqlite_url(back), quiet)
    assert rows_in_file(back) == rows_in_file(source)
    assert again.tables == result.tables
    with closing(sqlite3.connect(source)) as opened:
        epochs = {result.epoch, again.epoch, epoch_rows.find(opened)}
    assert len(epochs) == 3, "each copy begins an epoch"


@pytest.mark.slow
def test_numbers_continue_after_the_copied_rows(tmp_path: Path, server_url: str) -> None:
    source = new_database(tmp_path)
    with closing(FileCopyEnd(source)) as end, end.transaction():
        for name in ("job_events", "audit"):
            end.insert(metadata.tables[name], [values_of(metadata.tables[name], number) for number in range(3)])
    copy_store(sqlite_url(source), server_url, quiet)
    database = server_url.rpartition("/")[2]
    server = next(one for kind in (DEBIAN, NEWEST) if (one := running(kind)).url(database) == server_url)
    added = server.run_sql(
        "INSERT INTO job_events (job_id, at, number, kind, status, attempt) "
        "VALUES ('job', 0, 'T1', 'submitted', 'pending', 0) RETURNING event_id",
        database,
    )
    assert int(added) == 2**53 + 3
    entry = "INSERT INTO audit (at, \"by\", action, target, note) VALUES (0, '', '', '', '') RETURNING audit_id"
    assert int(server.run_sql(entry, database)) == 2**53 + 3
    counters = server.run_sql("SELECT name, last FROM numbers WHERE name IN ('jobs', 'logs') ORDER BY name", database)
    assert counters == "jobs|0\nlogs|0"


class Killed(Exception):
    """Stands for the end of the process."""


def killed_after(pages: int) -> Callable[[str, int, int], None]:
    """A report that ends the copy after a number of pages."""
    left = [pages]

    def report(_table: str, _done: int, _every: int) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    return report


@pytest.mark.slow
@pytest.mark.parametrize("pages", [1, 17, *(pytest.param(pages, marks=pytest.mark.long) for pages in (2, 40))])
def test_interrupted_copy_continues_without_repetition(tmp_path: Path, pages: int) -> None:
    server_url = empty_database(DEBIAN)
    source = new_database(tmp_path)
    fill(source)
    with pytest.raises(Killed):
        copy_store(sqlite_url(source), server_url, killed_after(pages))
    with pytest.raises(StoreUnavailable, match="incomplete copy of another one; run casare db copy again"):
        asyncio.run(PostgresStore.open(server_url))
    reported: list[tuple[str, int, int]] = []
    copy_store(sqlite_url(source), server_url, lambda *report: reported.append(report))
    assert len(reported) == 3 * (len(copied_rows.copied_tables()) - 1) - pages, "complete pages are not read again"
    assert rows_on_server(server_url) == rows_in_file(source)


@pytest.mark.slow
def test_source_that_changed_after_an_interruption_is_copied_again(tmp_path: Path) -> None:
    server_url = empty_database(DEBIAN)
    source = new_database(tmp_path)
    fill(source)
    with pytest.raises(Killed):
        copy_store(sqlite_url(source), server_url, killed_after(5))
    with closing(sqlite3.connect(source)) as opened, opened:
        opened.execute("UPDATE audit SET note = 'changed'")
    copy_store(sqlite_url(source), server_url, quiet)
    assert rows_on_server(server_url) == rows_in_file(source)


@pytest.mark.slow
def test_target_with_data_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    first, second = new_database(tmp_path / "first"), new_database(tmp_path / "second")
    fill(first, 2)
    fill(second, 1)
    before = rows_in_file(second)
    with pytest.raises(StoreUnavailable, match=r"has data already \(audit, failure_notes, .*name an empty database"):
        copy_store(sqlite_url(first), sqlite_url(second), quiet)
    assert rows_in_file(second) == before


@pytest.mark.slow
def test_incomplete_copy_of_another_source_is_refused(tmp_path: Path) -> None:
    first, second, third = (new_database(tmp_path / name) for name in ("first", "second", "third"))
    for path in (first, second):
        fill(path, 2)
    with closing(sqlite3.connect(second)) as opened, opened:
        opened.execute("UPDATE epoch SET epoch = 'second'")
    with pytest.raises(Killed):
        copy_store(sqlite_url(first), sqlite_url(third), killed_after(1))
    with pytest.raises(StoreUnavailable, match="is an incomplete copy of another database"):
        copy_store(sqlite_url(second), sqlite_url(third), quiet)
    with pytest.raises(StoreUnavailable, match="is itself an incomplete copy"):
        copy_store(sqlite_url(third), sqlite_url(tmp_path / "fourth.db"), quiet)
    with pytest.raises(StoreUnavailable, match="incomplete copy of another one"):
        asyncio.run(SqliteStore.open(third))


@pytest.mark.slow
async def test_database_in_use_is_refused(tmp_path: Path) -> None:
    server_url = empty_database(DEBIAN)
    source = new_database(tmp_path)
    with ThreadPoolExecutor(1) as thread:
        loop = asyncio.get_running_loop()
        on_server = await PostgresStore.open(server_url)
        with pytest.raises(StoreUnavailable, match="in use by an orchestrator; stop all of its instances"):
            await loop.run_in_executor(thread, copy_store, sqlite_url(source), server_url, quiet)
        await on_server.close()
        in_file = await SqliteStore.open(source)
        with pytest.raises(StoreUnavailable, match="in use by another orchestrator"):
            await loop.run_in_executor(thread, copy_store, sqlite_url(source), server_url, quiet)
        await in_file.close()


@pytest.mark.slow
def test_other_copy_into_the_same_database_is_refused() -> None:
    server_url = empty_database(DEBIAN)
    with closing(PostgresCopyEnd(server_url)), pytest.raises(StoreUnavailable, match="another casare db copy"):
        PostgresCopyEnd(server_url)


class Losing(FileCopyEnd):
    """Loses the last row of each page of one table."""

    def insert(self, table: Table, rows: Sequence[copied_rows.Row]) -> None:
        super().insert(table, rows[:-1] if table.name == "jobs" else rows)


def test_difference_is_found(tmp_path: Path) -> None:
    source = new_database(tmp_path)
    fill(source, 3)
    target = tmp_path / "target.db"
    with (
        closing(FileCopyEnd(source)) as first,
        closing(Losing(target)) as second,
        pytest.raises(StoreUnavailable, match=r"jobs differs after the copy: 3 rows in the database .*, 2 in the"),
    ):
        copy_database(first, second, quiet)


def test_nul_in_a_text_becomes_a_replacement_character(tmp_path: Path) -> None:
    source, target = new_database(tmp_path), tmp_path / "target.db"
    with closing(FileCopyEnd(source)) as end, end.transaction():
        end.insert(metadata.tables["queues"], [("a\0b", 1, "ana")])
    copy_store(sqlite_url(source), sqlite_url(target), quiet)
    assert rows_in_file(target)["queues"] == [("a\ufffdb", 1, "ana")]


def test_same_database_and_missing_source_are_refused(tmp_path: Path) -> None:
    source = new_database(tmp_path)
    with pytest.raises(StoreUnavailable, match="the same database"):
        copy_store(sqlite_url(source), sqlite_url(source), quiet)
    with pytest.raises(StoreUnavailable, match="there is no database"):
        copy_store(sqlite_url(tmp_path / "missing.db"), sqlite_url(source), quiet)
    assert not (tmp_path / "missing.db").exists()
    assert epoch.name in copied_rows.OWN
