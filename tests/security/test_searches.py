"""Searches of users: bounded in number and in time, ended with their client, and never in front of credentials."""

import asyncio
import ctypes
import os
import platform
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from api.conftest import Api
from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.errors import RateLimited, SearchTooLong, StoreUnavailable
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.limits import RateLimit
from casare_rpa.domain.logs import Level, LogFilter, LogLine
from casare_rpa.infrastructure.orchestrator.api.job_csv import in_turns
from casare_rpa.infrastructure.orchestrator.storage.sqlite import log_search
from casare_rpa.infrastructure.orchestrator.storage.sqlite.priority import (
    NICENESS,
    SET_ATTRIBUTES,
    SLICE_NANOSECONDS,
    Attributes,
)
from casare_rpa.infrastructure.orchestrator.storage.sqlite.readers import (
    SEARCHERS,
    Readers,
    Search,
)
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from casare_rpa.infrastructure.orchestrator.views.search_turns import (
    MAX_WAITING_SEARCHES,
    SEARCHES_AT_ONCE,
    SearchTurns,
)
from fake_clock import FakeClock
from new_database import new_database

DEADLINE_SECONDS = 60
ENDLESS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
RUSSIAN = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
FIRST_KERNEL_WITH_SLICES = (6, 12)
GREEK = "αβγδεζηθικλμνξοπρστυφχψω"


class Endless:
    """A search that would never end. `running` is set once its statement runs."""

    def __init__(self) -> None:
        self.running = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, connection: sqlite3.Connection, _search: Search) -> Any:
        self._loop.call_soon_threadsafe(self.running.set)
        return connection.execute(ENDLESS).fetchone()


def one(connection: sqlite3.Connection, *_: Search) -> Any:
    return connection.execute("SELECT 1").fetchone()


@pytest.fixture
async def readers_of(tmp_path: Path) -> AsyncIterator[Callable[[float], Readers]]:
    """Makes readers of an empty store with this limit on a search, in seconds."""
    path = new_database(tmp_path)
    await (await SqliteStore.open(path)).close()
    opened: list[Readers] = []

    def make(search_seconds: float) -> Readers:
        opened.append(Readers(path, search_seconds=search_seconds))
        return opened[-1]

    yield make
    for readers in opened:
        await readers.close()


async def occupy(readers: Readers) -> list[asyncio.Task[Any]]:
    """Searches that occupy every search thread."""
    searches = [Endless() for _ in range(SEARCHERS)]
    tasks = [asyncio.create_task(readers.search(search)) for search in searches]
    for search in searches:
        await search.running.wait()
    return tasks


async def end(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_lookups_and_reads_do_not_wait_for_searches(readers_of: Callable[[float], Readers]) -> None:
    readers = readers_of(DEADLINE_SECONDS)
    searches = await occupy(readers)
    async with asyncio.timeout(DEADLINE_SECONDS / 2):
        assert await readers.look_up(one) == (1,)
        assert await readers.read(one) == (1,)
    assert not any(search.done() for search in searches)
    await end(searches)


async def test_lookups_do_not_wait_for_reads(readers_of: Callable[[float], Readers]) -> None:
    readers = readers_of(DEADLINE_SECONDS)
    release, started = asyncio.Event(), asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()

    def slow(_connection: sqlite3.Connection) -> None:
        loop.call_soon_threadsafe(started.release)
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result(DEADLINE_SECONDS)

    reads = [asyncio.create_task(readers.read(slow)) for _ in range(4)]
    await started.acquire()
    async with asyncio.timeout(DEADLINE_SECONDS / 2):
        assert await readers.look_up(one) == (1,)
    assert not any(read.done() for read in reads)
    release.set()
    await asyncio.gather(*reads)


async def test_abandoned_search_frees_its_thread(readers_of: Callable[[float], Readers]) -> None:
    readers = readers_of(DEADLINE_SECONDS * 10)
    await end(await occupy(readers))
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await asyncio.gather(*(readers.search(one) for _ in range(SEARCHERS))) == [(1,)] * SEARCHERS


async def test_search_abandoned_in_the_queue_never_runs(readers_of: Callable[[float], Readers]) -> None:
    readers = readers_of(DEADLINE_SECONDS)
    searches = await occupy(readers)
    ran: list[int] = []

    def late(*_: object) -> None:
        ran.append(1)

    waiting = asyncio.create_task(readers.search(late))
    await asyncio.sleep(0)
    await end([waiting])
    await end(searches)
    assert await readers.search(one) == (1,)
    assert ran == []


async def test_search_ends_at_its_time_limit(readers_of: Callable[[float], Readers]) -> None:
    readers = readers_of(0.01)
    with pytest.raises(SearchTooLong, match="narrow it"):
        await readers.search(Endless())
    assert await readers.search(one) == (1,)


async def test_no_details_of_the_database_reach_the_caller(readers_of: Callable[[float], Readers]) -> None:
    readers = readers_of(DEADLINE_SECONDS)
    for read in (readers.read, readers.look_up, readers.search):
        with pytest.raises(StoreUnavailable) as refused:
            await read(lambda connection, *_: connection.execute("SELECT secret_column FROM jobs"))
        assert "column" not in str(refused.value)


def priority_of_this_thread() -> Attributes:
    found = Attributes()
    read_attributes = SET_ATTRIBUTES[platform.machine()] + 1
    size = ctypes.sizeof(found)
    assert ctypes.CDLL(None).syscall(read_attributes, 0, ctypes.byref(found), size, 0) == 0
    return found


async def test_searches_leave_the_cores_to_the_event_loop(readers_of: Callable[[float], Readers]) -> None:
    readers = readers_of(DEADLINE_SECONDS)
    found = await readers.search(lambda *_: priority_of_this_thread())
    assert found.niceness == min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)
    assert found.policy == os.SCHED_OTHER
    kernel = tuple(int(part) for part in platform.release().split(".")[:2])
    assert found.runtime == SLICE_NANOSECONDS or kernel < FIRST_KERNEL_WITH_SLICES
    assert await readers.read(lambda *_: priority_of_this_thread().runtime) < SLICE_NANOSECONDS


def test_a_stopped_search_does_not_continue() -> None:
    search = Search(1.0)
    assert search.may_continue()
    assert not search.stop(), "it does not run"
    assert not search.may_continue()


# A search that is stopped between or within its parts


def lines_of(path: Path, number: int) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
        "INSERT INTO job_logs (tenant_id, robot_id, level, message, logged_at, received_at, truncated) "
        "SELECT 'default', 'robot-1', 'INFO', 'line ' || i, 0, i, 0 FROM n",
        (number,),
    )
    connection.commit()
    return connection


async def test_stopped_search_ends_its_page_at_its_position(tmp_path: Path) -> None:
    path = new_database(tmp_path)
    await (await SqliteStore.open(path)).close()
    connection = lines_of(path, 3 * log_search.PART_LINES)

    class OnePartMore:
        asked = 0

        def may_continue(self) -> bool:
            self.asked += 1
            return self.asked < 2

    page = log_search.search(connection, LogFilter(text="nowhere"), 10, None, 20_000, OnePartMore())
    assert page.lines == []
    assert page.scanned_to == Instant(log_search.PART_LINES + 1)
    rest = log_search.search(connection, LogFilter(text="line 7"), 10_000, page.after, 20_000)
    assert min(int(stored.line.message.removeprefix("line ")) for stored in rest.lines) == 7
    connection.close()


async def test_interrupt_keeps_complete_parts(tmp_path: Path) -> None:
    path = new_database(tmp_path)
    await (await SqliteStore.open(path)).close()
    connection = lines_of(path, 3 * log_search.PART_LINES)
    parts: list[str] = []

    def interrupt_in_the_second(statement: str) -> None:
        if "instr" in statement:
            parts.append(statement)
            if len(parts) == 2:
                connection.set_progress_handler(lambda: 1, 1)

    connection.set_trace_callback(interrupt_in_the_second)
    page = log_search.search(connection, LogFilter(text="line"), 10_000, None, 20_000)
    assert len(page.lines) == log_search.PART_LINES
    assert page.scanned_to == Instant(2 * log_search.PART_LINES + 1)
    connection.close()


# Any letters


@pytest.mark.parametrize("text", [RUSSIAN, RUSSIAN.upper(), GREEK, GREEK.upper(), "日本語*?[a-z]^]", "Straße ẞ", "İı"])
async def test_text_with_many_letters_is_found_in_any_case(api: Api, text: str) -> None:
    message = f"before {text} after"
    line = LogLine("default", "alpha", Level.INFO, message, Instant(0), Instant(0), "job-1")
    await api.plane.store.append_logs([line])
    for form in {text, text.swapcase()} if text.lower().upper() == text.upper() and "ß" not in text else {text}:
        found = await api.get("/logs", q=form)
        assert [item["message"] for item in found["items"]] == [message], form
    assert (await api.get("/logs", q=f"{text}Ж"))["items"] == []


# Turns


VIEWER = Principal(Role.ADMIN, "ana")


async def test_two_searches_of_a_principal_run_and_the_others_wait() -> None:
    turns, running, release = SearchTurns(FakeClock()), [0, 0], asyncio.Event()

    async def search() -> None:
        async with turns.turn(VIEWER):
            running[0] += 1
            running[1] = max(running)
            await release.wait()
            running[0] -= 1

    tasks = [asyncio.create_task(search()) for _ in range(SEARCHES_AT_ONCE + MAX_WAITING_SEARCHES)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert running[0] == SEARCHES_AT_ONCE
    with pytest.raises(RateLimited):
        await search()
    # Another principal has turns of its own, and a new session of the same user has none.
    async with turns.turn(Principal(Role.ADMIN, "ben")):
        pass
    with pytest.raises(RateLimited):
        async with turns.turn(Principal(Role.ADMIN, "ana", expires_at=1.0)):
            pass
    tasks[-1].cancel()  # one that waits gives its place back
    await asyncio.wait({tasks[-1]})
    tasks[-1] = asyncio.create_task(search())
    release.set()
    await asyncio.gather(*tasks)
    assert running == [0, SEARCHES_AT_ONCE]


async def test_principal_that_abandons_searches_waits_before_its_next_ones() -> None:
    clock = FakeClock()
    turns = SearchTurns(clock, abandoned=RateLimit(per_second=2, burst=3))

    async def search(who: Principal = VIEWER, *, until: asyncio.Event | None = None) -> None:
        async with turns.turn(who):
            if until is not None:
                await until.wait()

    async def abandon() -> None:
        task = asyncio.create_task(search(until=asyncio.Event()))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})

    for _ in range(3):
        await abandon()
    async with asyncio.timeout(1):
        await search()  # up to the limit none waits
    await abandon()
    waiting = asyncio.create_task(search())
    await asyncio.sleep(0)
    assert clock.sleeping == [0.5]
    async with asyncio.timeout(1):
        await search(Principal(Role.ADMIN, "ben"))  # another principal does not wait
    for _ in range(5):
        await abandon()  # it did not begin, so it costs nothing
    clock.advance(0.5)
    await waiting
    async with asyncio.timeout(1):
        await search()


@pytest.mark.parametrize("path", ["/logs", "/jobs", "/jobs/count", "/failures", "/overview"])
async def test_too_many_searches_are_refused_on_every_route(api: Api, path: str) -> None:
    admin = await principal_of(api)
    async with asyncio.TaskGroup() as group:
        holders = [group.create_task(hold(api, admin)) for _ in range(SEARCHES_AT_ONCE + MAX_WAITING_SEARCHES)]
        await asyncio.sleep(0)
        response = await api.admin.get(f"/api/v1{path}")
        assert (response.status_code, response.headers["Retry-After"]) == (429, "1")
        for holder in holders:
            holder.cancel()
    assert (await api.admin.get(f"/api/v1{path}")).status_code == 200


async def test_pages_of_a_file_wait_for_their_turns_as_other_searches() -> None:
    async def pages() -> AsyncIterator[str]:
        yield "second"
        yield "third"

    turns = SearchTurns(FakeClock())
    file = in_turns("first", pages(), lambda: turns.turn(VIEWER))
    assert await anext(file) == "first"
    async with turns.turn(VIEWER), turns.turn(VIEWER):
        waiting = asyncio.create_task(anext(file))
        await asyncio.wait({waiting}, timeout=0)
        await asyncio.sleep(0)
        assert not waiting.done()
    assert await waiting == "second"
    async with turns.turn(VIEWER), turns.turn(VIEWER):
        pass  # a page that is being sent holds no turn
    assert [page async for page in file] == ["third"]


async def principal_of(api: Api) -> Principal:
    return api.plane.authenticator.admin(api.admin.headers["X-API-Secret"])


async def hold(api: Api, who: Principal) -> None:
    async with api.plane.search_turns.turn(who):
        await asyncio.Event().wait()


async def test_search_ends_with_its_client(api: Api) -> None:
    """A request that waits for its turn is given up when its client closes the connection."""
    admin = await principal_of(api)
    holders = [asyncio.create_task(hold(api, admin)) for _ in range(SEARCHES_AT_ONCE)]
    await asyncio.sleep(0)
    asked, left = asyncio.Event(), asyncio.Event()
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if not asked.is_set():
            asked.set()
            return {"type": "http.request", "body": b"", "more_body": False}
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1"), (b"x-api-secret", api.admin.headers["X-API-Secret"].encode())]
    scope = {
        "type": "http", "method": "GET", "path": "/api/v1/logs", "raw_path": b"/api/v1/logs", "query_string": b"q=x",
        "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "scheme": "http",
        "http_version": "1.1", "root_path": "",
    }  # fmt: skip
    request = asyncio.create_task(api.app(scope, receive, send))
    await asked.wait()
    assert not request.done()
    left.set()
    async with asyncio.timeout(DEADLINE_SECONDS):
        await request
    assert sent[0]["status"] == 499
    await end(holders)
