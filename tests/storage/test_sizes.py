"""The size of a database by table, and the rows that retention would delete."""

import sqlite3
from pathlib import Path

import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job_events import Cancel
from casare_rpa.domain.job_records import Change
from casare_rpa.domain.logs import Level, LogLine
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.storage.backends import open_sizes
from casare_rpa.infrastructure.orchestrator.storage.schema import metadata
from casare_rpa.infrastructure.orchestrator.storage.sqlite import file_size
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from new_database import new_database
from storage.values import a_job, add, at

LINES = 300


def a_line(seconds: float, text: str = "x" * 1000) -> LogLine:
    return LogLine("default", "robot-1", Level.INFO, text, at(seconds), at(seconds))


async def test_every_table_has_its_rows_and_bytes(store: Store) -> None:
    await add(store, a_job(), a_job())
    await store.append_logs([a_line(number) for number in range(LINES)])
    found = await store.sizes()
    tables = {one.name: one for one in found.tables}
    assert [one.name for one in found.tables] == sorted(tables)
    assert set(tables) >= set(metadata.tables)
    assert (tables["jobs"].rows, tables["job_logs"].rows, tables["audit"].rows) == (2, LINES, 0)
    assert tables["job_logs"].bytes > LINES * 1000
    assert tables["job_logs"].bytes > tables["jobs"].bytes > 0
    assert sum(one.bytes for one in found.tables) + found.free_bytes <= found.total_bytes
    assert not any(one.bytes_estimated or one.rows_estimated for one in found.tables)


@pytest.mark.parametrize("kind", RetainedKind)
async def test_nothing_is_older_in_an_empty_store(store: Store, kind: RetainedKind) -> None:
    assert await store.count_older(kind, at(1000)) == 0


async def test_older_rows_are_the_ones_that_an_unlimited_delete_deletes(store: Store) -> None:
    jobs = [a_job() for _ in range(4)]
    await add(store, *jobs)
    for second, job in enumerate(jobs[:3]):
        await store.apply([Change(job.job_id, Cancel("over", "ana"), at(second))])
    await store.append_logs([a_line(number) for number in range(5)])
    for _ in range(3):
        await store.record_audit(AN_ENTRY)
    for kind in RetainedKind:
        for before in (at(0), at(2), at(3), Instant(AN_ENTRY.at + 1), at(10_000_000)):
            expected = await store.count_older(kind, before)
            assert await store.delete_oldest(kind, before, 1000) == expected, (kind, before)
    assert await store.count_kept(RetainedKind.JOBS) == 0, "the open job is not counted"
    assert await store.count_older(RetainedKind.LOGS, at(10_000_000)) == 0, "the newest line stays"
    assert await store.count_kept(RetainedKind.LOGS) == 1


async def test_sizes_are_read_while_an_instance_has_the_database(tmp_path: Path) -> None:
    path = new_database(tmp_path)
    store = await SqliteStore.open(path)
    try:
        await store.append_logs([a_line(1)])
        sizes = open_sizes(f"sqlite:///{path}")
        assert {one.name: one.rows for one in (await sizes.sizes()).tables}["job_logs"] == 1
        assert await sizes.count_kept(RetainedKind.LOGS) == 1
        assert await sizes.count_older(RetainedKind.LOGS, at(100)) == 0
        assert await sizes.log_volumes() == await store.log_volumes() != {}
        await sizes.close()
    finally:
        await store.close()


async def test_missing_database_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="there is no database"):
        open_sizes(f"sqlite:///{tmp_path / 'missing.db'}")
    assert list(tmp_path.iterdir()) == []


async def test_sizes_are_estimated_without_the_table_of_pages(tmp_path: Path) -> None:
    path = new_database(tmp_path)
    store = await SqliteStore.open(path)
    await store.append_logs([a_line(number) for number in range(LINES)])
    await store.close()
    connection = sqlite3.connect(path)
    try:
        found = file_size.measure(connection, pages="absent")
        exact = file_size.measure(connection)
    finally:
        connection.close()
    assert all(one.bytes_estimated for one in found.tables)
    assert [one.rows for one in found.tables] == [one.rows for one in exact.tables]
    largest = max(found.tables, key=lambda one: one.bytes)
    assert largest.name == "job_logs"
    assert sum(one.bytes for one in found.tables) <= found.total_bytes == exact.total_bytes
