"""Log lines in the store: searched newest first, in limited steps, with an index for every filter."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from audit_entries import AN_ENTRY
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.logs import Level, LinesAfter, LogFilter, LogLine, LogPage, LogPosition
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.storage.sqlite import log_search
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits
from storage.values import at

MANY = 200_000
SCANNED_LINES = StoreLimits().scanned_lines


def a_line(message: str = "read", seconds: float = 1, **wishes: Any) -> LogLine:
    fields: dict[str, Any] = {"tenant_id": "default", "robot_id": "robot-1", "level": Level.INFO, "job_id": "job-1"}
    return LogLine(message=message, logged_at=at(0), received_at=at(seconds), **{**fields, **wishes})


async def found(store: Store, limit: int = 100, **wanted: Any) -> list[str]:
    page = await store.search_logs(LogFilter(**wanted), limit, None)
    assert page.after is None
    return [stored.line.message for stored in page.lines]


async def test_search_returns_every_field_newest_first(store: Store) -> None:
    old, new = a_line("old", 1), a_line("new", 2, level=Level.ERROR, node_id="n", truncated=True, job_id=None)
    await store.append_logs([old, new])
    page = await store.search_logs(LogFilter(), 10, None)
    assert [stored.line for stored in page.lines] == [replace(new, seq=2), replace(old, seq=1)]
    assert (page.after, page.scanned_to) == (None, None)


async def test_search_filters(store: Store) -> None:
    await store.append_logs(
        [
            a_line("a", 1),
            a_line("b", 2, robot_id="robot-2"),
            a_line("c", 3, job_id="job-2", level=Level.WARNING),
            a_line("d", 4, tenant_id="acme", level=Level.ERROR, job_id=None),
        ]
    )
    for wanted, expected in (
        ({"robot_id": "robot-2"}, ["b"]),
        ({"job_id": "job-1"}, ["b", "a"]),
        ({"tenant_id": "default"}, ["c", "b", "a"]),
        ({"min_level": Level.WARNING}, ["d", "c"]),
        ({"since": at(2)}, ["d", "c", "b"]),
        ({"until": at(2)}, ["a"]),
        ({"since": at(2), "until": at(4)}, ["c", "b"]),
        ({"job_id": "job-1", "since": at(1), "until": at(2)}, ["a"]),
        ({"job_id": "job-1", "robot_id": "robot-2", "tenant_id": "default"}, ["b"]),
        ({"job_id": "job-1", "tenant_id": "acme"}, []),
        ({"robot_id": "robot-1", "tenant_id": "acme", "text": "D"}, ["d"]),
    ):
        assert await found(store, **wanted) == expected, wanted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FILE", ["no file 100%", "File_x"]),
        ("100%", ["no file 100%"]),
        ("%", ["no file 100%"]),
        ("e_x", ["File_x"]),
        ("übergröße", ["ÜBERGRÖßE", "Übergröße"]),
        ("ÜBERGRÖ", ["ÜBERGRÖßE", "Übergröße"]),
        ("\\", ["C:\\temp"]),
        ("nothing", []),
    ],
)
async def test_search_finds_literal_text_in_any_case(store: Store, text: str, expected: list[str]) -> None:
    await store.append_logs([a_line(m) for m in ("C:\\temp", "Übergröße", "ÜBERGRÖßE", "File_x", "no file 100%")])
    assert await found(store, text=text) == expected


@pytest.mark.parametrize("wanted", [{}, {"robot_id": "robot-1"}, {"tenant_id": "default"}, {"job_id": "job-1"}])
async def test_both_orders_meet_at_any_line(store: Store, wanted: Any) -> None:
    # Many lines arrive at the same time.
    stored = await store.append_logs([a_line(f"{number}", number // 5) for number in range(20)])
    for line in filter(None, stored):
        place = LogPosition(line.line.received_at, line.log_id)
        older = await store.search_logs(LogFilter(**wanted), 100, place)
        newer = await store.search_logs(LogFilter(**wanted), 100, place, oldest_first=True)
        ids = [*(one.log_id for one in reversed(older.lines)), line.log_id, *(one.log_id for one in newer.lines)]
        assert ids == list(range(1, 21))


@pytest.mark.parametrize("wanted", [{}, {"robot_id": "robot-1"}, {"tenant_id": "default"}, {"job_id": "job-1"}])
async def test_search_oldest_first_has_the_same_lines_in_pages(store: Store, wanted: Any) -> None:
    await store.append_logs([a_line(f"{number}", number // 5) for number in range(20)])
    filters = LogFilter(**wanted, since=at(1), until=at(3))
    seen: list[str] = []
    start: LogPosition | None = None
    while not seen or start is not None:
        page = await store.search_logs(filters, 3, start, oldest_first=True)
        seen += [stored.line.message for stored in page.lines]
        start = page.after
    assert seen == [f"{number}" for number in range(5, 15)]
    newest_first = await store.search_logs(filters, 100, None)
    assert [stored.line.message for stored in newest_first.lines] == seen[::-1]


@pytest.mark.parametrize("wanted", [{}, {"robot_id": "robot-1"}, {"tenant_id": "default"}, {"job_id": "job-1"}])
async def test_search_pages_have_no_repeats_or_gaps_during_inserts(store: Store, wanted: Any) -> None:
    # Many lines arrive at the same time, the last ones after the clock was set back.
    await store.append_logs([a_line(f"{number}", number // 5) for number in range(20)] + [a_line("late", 1)])
    seen: list[str] = []
    before: LogPosition | None = None
    while True:
        page = await store.search_logs(LogFilter(**wanted), 3, before)
        seen += [stored.line.message for stored in page.lines]
        before = page.after
        if before is None:
            break
        await store.append_logs([a_line("added", 100), a_line("added", 101, robot_id="robot-2")])
    assert sorted(seen) == sorted(["late", *map(str, range(20))])


@pytest.mark.parametrize("limits", [StoreLimits(scanned_lines=4)])
async def test_search_stops_at_its_limit_and_continues_from_there(store: Store) -> None:
    await store.append_logs([a_line("wanted" if number in (0, 9) else "other", number) for number in range(10)])
    pages: list[LogPage] = []
    before: LogPosition | None = None
    while not pages or before is not None:
        pages.append(await store.search_logs(LogFilter(text="wanted"), 5, before))
        before = pages[-1].after
    assert [[stored.line.received_at for stored in page.lines] for page in pages] == [[at(9)], [], [at(0)]]
    assert [page.scanned_to for page in pages] == [at(6), at(2), None]


# For any number of lines


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with many lines of one tenant, one robot and one job."""
    path = tmp_path_factory.mktemp("crowded") / "casare.db"
    asyncio.run(_make(path))
    connection = sqlite3.connect(path)
    connection.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
        "INSERT INTO job_logs (tenant_id, robot_id, level, message, logged_at, received_at, job_id, truncated) "
        "SELECT 'default', 'robot-1', 'INFO', 'line ' || i, 0, i * 1000, 'job-1', 0 FROM n",
        (MANY,),
    )
    connection.commit()
    connection.close()
    return path


async def _make(path: Path) -> None:
    await (await SqliteStore.open(path)).close()


HARD = {
    "text": LogFilter(text="nowhere"),
    "level": LogFilter(min_level=Level.ERROR),
    "robot": LogFilter(robot_id="robot-1", text="nowhere"),
    "tenant": LogFilter(tenant_id="default", text="nowhere"),
    "job": LogFilter(job_id="job-1", text="nowhere"),
    "job of another robot": LogFilter(job_id="job-1", robot_id="robot-2", tenant_id="default"),
    "long ago": LogFilter(until=Instant(MANY * 500), text="nowhere", job_id="job-1"),
    "span": LogFilter(since=Instant(1), until=Instant(MANY * 900), text="nowhere"),
    "span of a robot": LogFilter(since=Instant(1), until=Instant(MANY * 900), text="nowhere", robot_id="robot-1"),
}


def steps_of(
    connection: sqlite3.Connection, wanted: LogFilter, start: LogPosition | None, oldest_first: bool = False
) -> int:
    """Thousands of virtual machine steps of one search: a measure of the rows that it reads, not of time."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    connection.set_progress_handler(count, 1000)
    log_search.search(connection, wanted, 100, start, SCANNED_LINES, oldest_first=oldest_first)
    connection.set_progress_handler(None, 0)
    return counted


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("name", HARD)
def test_search_reads_a_limited_number_of_lines(crowded: Path, name: str, oldest_first: bool) -> None:
    connection = sqlite3.connect(crowded)
    middle = LogPosition(Instant(MANY // 2 * 1000), MANY // 2)
    for before in (None, middle):
        assert steps_of(connection, HARD[name], before, oldest_first) < 40 * SCANNED_LINES / 1000
    connection.close()


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("name", HARD)
def test_search_reads_one_index_in_order(crowded: Path, name: str, oldest_first: bool) -> None:
    connection = sqlite3.connect(crowded)
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    page = log_search.search(connection, HARD[name], 100, None, SCANNED_LINES, oldest_first=oldest_first)
    assert (page.lines, page.scanned_to is None) == ([], False)
    connection.set_trace_callback(None)
    assert len(statements) == 2 * SCANNED_LINES // log_search.PART_LINES
    for statement in statements:
        plan = " | ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}"))
        assert "SEARCH job_logs USING " in plan
        assert "SCAN" not in plan
        assert "TEMP B-TREE" not in plan
    connection.close()


def test_search_starts_at_the_requested_time(crowded: Path) -> None:
    connection = sqlite3.connect(crowded)
    wanted = LogFilter(since=Instant(5_000), until=Instant(8_000))
    page = log_search.search(connection, wanted, 100, None, SCANNED_LINES)
    assert [stored.line.message for stored in page.lines] == ["line 7", "line 6", "line 5"]
    assert page.after is None
    assert steps_of(connection, wanted, None) == 0
    connection.close()


async def test_lines_after_an_id(store: Store) -> None:
    assert await store.lines_after(0, 10) == LinesAfter(0, [])
    stored = await store.append_logs([a_line(str(number)) for number in range(5)])
    assert await store.lines_after(0, 2) == LinesAfter(5, stored[:2])
    assert await store.lines_after(2, 10) == LinesAfter(5, stored[2:])
    assert await store.lines_after(5, 10) == LinesAfter(5, [])
    assert await store.lines_after(2, 0) == LinesAfter(5, [])
    assert await store.delete_oldest_lines("robot-1", 3) == 3
    assert await store.lines_after(1, 10) == LinesAfter(5, stored[3:])
    await store.begin_epoch("restored", audit=AN_ENTRY)
    skipped = await store.lines_after(5, 10)
    assert (skipped.last > 10**9, skipped.lines) == (True, [])
