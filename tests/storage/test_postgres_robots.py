"""Sessions, heartbeats and log lines on PostgreSQL: cut connections, several instances, and which rows are read."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.logs import Level, LogLine
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.domain.robot_records import Beat
from casare_rpa.domain.robot_sessions import BegunSession, Connecting, RunningInstance
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints, InjectedFault
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.heartbeats import RecordBeats
from casare_rpa.infrastructure.orchestrator.storage.postgres.hot_writer import HotCommand, HotWriter
from casare_rpa.infrastructure.orchestrator.storage.postgres.log_appends import AppendLines
from casare_rpa.infrastructure.orchestrator.storage.postgres.robot_store import PLANNED_EACH_TIME
from casare_rpa.infrastructure.orchestrator.storage.postgres.sessions import BeginSessions
from casare_rpa.infrastructure.orchestrator.storage.postgres.store import PostgresStore
from casare_rpa.infrastructure.orchestrator.storage.schema import jobs
from postgres_server import DEBIAN, running
from storage.cut_proxy import Cut, CutProxy
from storage.postgres_database import empty_database
from storage.postgres_history import database_without_statistics
from storage.postgres_jobs import copy_jobs
from storage.values import a_job, at

pytestmark = pytest.mark.slow

Writer = HotWriter[Any, Any]
ROBOTS = [f"robot-{number:05}" for number in range(300)]
PENDING = 100_000


@asynccontextmanager
async def writing(url: str, command: HotCommand[Any, Any]) -> AsyncIterator[Writer]:
    """The lane of one instance."""
    writer = Writer("robots", command, Target(url), Failpoints(), PLANNED_EACH_TIME)
    try:
        yield writer
    finally:
        await writer.close()


async def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def add_robots(url: str, robots: Sequence[str] = ROBOTS) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        "INSERT INTO robots (robot_id, tenant_id, name, tags, created_at) "
        "SELECT robot_id, 'default', robot_id, '[]', 0 FROM unnest($1::text[]) AS new (robot_id)",
        list(robots),
    )
    await connection.close()


def lines_of(robot_id: str, first: int, number: int, *, journal: bool) -> list[LogLine]:
    return [
        LogLine("default", robot_id, Level.INFO, f"{place}", at(place), at(place), seq=place if journal else 0)
        for place in range(first, first + number)
    ]


async def cut_often(
    times: int, command: HotCommand[Any, Any], work: Callable[[str, Writer, int], Awaitable[None]]
) -> None:
    """Do the work many times, and cut the connection at a message of each, before or after the server has it."""
    url = empty_database(DEBIAN)
    await add_robots(url, ROBOTS[:3])
    proxy = CutProxy(running(DEBIAN).port)
    await proxy.start()
    try:
        async with writing(proxy.url(url), command) as writer:
            for number in range(times):
                proxy.arm(number % 3 + 1, (Cut.AFTER, Cut.BEFORE)[number % 2])
                await work(url, writer, number)
    finally:
        await proxy.close()


# Unknown outcomes


@pytest.mark.parametrize("journal", [True, False])
async def test_lines_are_stored_once_when_connections_are_cut(journal: bool) -> None:
    urls: set[str] = set()

    async def append(url: str, writer: Writer, number: int) -> None:
        if journal and not urls:
            connection = await asyncpg.connect(url)
            await connection.execute("UPDATE robots SET log_journal = 'journal'")
            await connection.close()
        urls.add(url)
        calls = [lines_of(robot_id, 1 + number * 4, 4, journal=journal) for robot_id in ROBOTS[:3]]
        answers = await asyncio.gather(*(writer.submit(call) for call in calls))
        first = number * 12
        assert sorted(stored.log_id for answer in answers for stored in answer) == [*range(first + 1, first + 13)]

    await cut_often(60, AppendLines(), append)
    (url,) = urls
    stored = await rows(url, "SELECT log_id, robot_id, seq, message FROM job_logs ORDER BY log_id")
    assert [row[0] for row in stored] == [*range(1, 60 * 12 + 1)], "ids have no holes"
    for robot_id in ROBOTS[:3]:
        assert [row[2:] for row in stored if row[1] == robot_id] == [(place, f"{place}") for place in range(1, 241)]
    assert await rows(url, "SELECT last FROM numbers WHERE name = 'logs'") == [(60 * 12,)]
    sizes = "SELECT sum(length(message) + 256)::bigint FROM job_logs"
    assert await rows(url, "SELECT sum(bytes)::bigint FROM log_volumes") == await rows(url, sizes)


async def test_sessions_are_counted_once_when_connections_are_cut() -> None:
    """Two connections of a robot wait for one statement: the first one is answered as before it was replaced."""
    urls: set[str] = set()

    async def connect(url: str, writer: Writer, number: int) -> None:
        urls.add(url)
        wanted = [Connecting(ROBOTS[0], f"s-{number}-{n}", "a", at(100 * number), "process") for n in range(2)]
        begun = await asyncio.gather(*(writer.submit(one) for one in wanted))
        assert begun == [BegunSession(2 * number + 1), BegunSession(2 * number + 2)]

    await cut_often(60, BeginSessions(), connect)
    (url,) = urls
    assert await rows(url, "SELECT session_id, number FROM robot_sessions") == [("s-59-1", 120)]


# Several instances


async def test_instances_that_accept_a_robot_at_a_time_count_each_session_once() -> None:
    url = empty_database(DEBIAN)

    async def connect_all(writer: Writer, name: str) -> list[tuple[str, int]]:
        wanted = [Connecting(robot_id, f"{name}-{robot_id}", name, at(0), name) for robot_id in ROBOTS]
        return [
            (one.robot_id, begun.number)
            for one, begun in zip(wanted, await asyncio.gather(*map(writer.submit, wanted)), strict=True)
        ]

    async with writing(url, BeginSessions()) as first, writing(url, BeginSessions()) as second:
        begun = await asyncio.gather(connect_all(first, "a"), connect_all(second, "b"))
    assert sorted(begun[0] + begun[1]) == [(robot_id, number) for robot_id in ROBOTS for number in (1, 2)]
    assert await rows(url, "SELECT count(*) FROM robot_sessions WHERE number = 2 AND moved_from IS NOT NULL") == [
        (300,)
    ]


async def test_instances_that_store_lines_of_one_robot_number_them_without_holes() -> None:
    url = empty_database(DEBIAN)
    await add_robots(url)

    async def append(writer: Writer) -> None:
        for number in range(30):
            await writer.submit(lines_of(ROBOTS[number % 2], 1, 3, journal=False))

    async with writing(url, AppendLines()) as first, writing(url, AppendLines()) as second:
        await asyncio.gather(append(first), append(second))
    stored = await rows(url, "SELECT log_id, robot_id, seq FROM job_logs ORDER BY log_id")
    assert [row[0] for row in stored] == [*range(1, 181)]
    for robot_id in ROBOTS[:2]:
        assert [row[2] for row in stored if row[1] == robot_id] == [*range(1, 91)]


async def test_instances_renew_leases_in_any_order_without_a_deadlock() -> None:
    url = await with_running_jobs()
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = await rows(url, deadlocks)  # earlier tests used the same database
    beats = [Beat(robot_id, at(50), True) for robot_id in ROBOTS]
    async with writing(url, RecordBeats()) as first, writing(url, RecordBeats()) as second:
        for _ in range(5):
            await asyncio.gather(first.submit(beats), second.submit(beats[::-1]))
    assert await rows(url, deadlocks) == before


async def test_retention_locks_the_volumes_of_robots_in_the_order_of_new_lines() -> None:
    """In another order, retention and a writer of new lines could wait for each other."""
    url = empty_database(DEBIAN)
    store = await PostgresStore.open(url)
    await add_robots(url)
    await store.append_logs([LogLine("default", robot_id, Level.INFO, "x", at(0), at(0)) for robot_id in ROBOTS])
    await store.append_logs([LogLine("default", ROBOTS[0], Level.INFO, "newest", at(500), at(500))])
    held = len(ROBOTS) // 2
    writer, other = await asyncpg.connect(url), await asyncpg.connect(url)
    async with writer.transaction():
        await writer.execute("SELECT 1 FROM log_volumes WHERE robot_id = $1 FOR UPDATE", ROBOTS[held])
        deleting = asyncio.create_task(store.delete_oldest(RetainedKind.LOGS, at(100), len(ROBOTS)))
        async with asyncio.timeout(20):
            while not await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0.01)
        async with other.transaction():
            free = {row[0] for row in await other.fetch("SELECT robot_id FROM log_volumes FOR UPDATE SKIP LOCKED")}
        assert free == set(ROBOTS[held + 1 :])
    assert await deleting == len(ROBOTS)
    assert await rows(url, "SELECT robot_id FROM log_volumes") == [(ROBOTS[0],)]
    await writer.close()
    await other.close()
    await store.close()


# Adoption


@pytest.mark.parametrize("point", ["store.commit", "store.committed"])
@pytest.mark.parametrize("place", range(1, 5))
async def test_adoption_that_stops_half_way_is_completed_by_any_instance(point: str, place: int) -> None:
    url = empty_database(DEBIAN)
    failpoints = Failpoints(f"{point}:error@{place}")
    first, second = await PostgresStore.open(url, failpoints=failpoints), await PostgresStore.open(url)
    await second.connect(Connecting(ROBOTS[0], "s-1", "dead", at(0)))
    held: dict[str, Any] = {"status": JobStatus.RUNNING, "attempt": 1, "lease_expires_at": at(90), "session_id": "s-1"}
    await copy_jobs(url, [a_job(robot_id=ROBOTS[0], **held)])
    dead = [RunningInstance("dead", at(0))]
    failpoints.arm()
    with pytest.raises((StoreUnavailable, InjectedFault)):
        await first.adopt(dead, at(20), at(110))
    await second.adopt([one for one in await second.running() if one == dead[0]], at(21), at(111))
    assert await second.adopt([], at(22), at(112)) == []
    assert await second.open_sessions() == []
    ((session, lease, lost),) = await rows(
        url,
        "SELECT held.session_id, lease_expires_at, contact_lost_at "
        "FROM jobs JOIN robot_sessions AS held ON held.robot_id = jobs.robot_id",
    )
    assert session is None
    assert lease in (at(110), at(111))
    assert lost in (at(20), at(21))
    assert await rows(url, "SELECT count(*) FROM job_events WHERE kind = 'contact_lost'") == [(1,)]
    await first.close()
    await second.close()


# Plans


async def with_running_jobs(pending: int = 0) -> str:
    """A database in which each robot runs a job."""
    url = empty_database(DEBIAN)
    await add_robots(url)
    await copy_running_jobs(url, pending)
    return url


async def copy_running_jobs(url: str, pending: int) -> None:
    held: dict[str, Any] = {"status": JobStatus.RUNNING, "attempt": 1, "lease_expires_at": at(20)}
    await copy_jobs(url, [a_job(robot_id=robot_id, **held) for robot_id in ROBOTS])
    if pending:
        given = {
            "job_id": "'pending-' || n",
            "robot_id": "NULL",
            "status": "'pending'",
            "lease_expires_at": "NULL",
            "ready": "1",
        }
        columns = [given.get(column.name, f'"{column.name}"') for column in jobs.columns]
        await rows(
            url,
            f"INSERT INTO jobs SELECT {', '.join(columns)} "
            f"FROM (SELECT * FROM jobs LIMIT 1) AS one CROSS JOIN generate_series(1, {pending}) AS n",
        )


async def reported(url: str, sql: str, open_connections: int = 0) -> tuple[int, ...]:
    """One row of statistics. A connection reports its part when it ends, so wait until no more are open."""
    ends = asyncio.get_running_loop().time() + 30
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    while await rows(url, others) != [(open_connections,)]:
        assert asyncio.get_running_loop().time() < ends, "a connection does not end"
        await asyncio.sleep(0.01)
    (found,) = await rows(url, sql)
    return found


async def counts(url: str, open_connections: int) -> tuple[int, ...]:
    """Of the table of jobs: scans, rows read by indexes, updates, and those without a change of an index."""
    return await reported(
        url,
        "SELECT seq_scan, (SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE relname = 'jobs'), "
        "n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'jobs'",
        open_connections,
    )


async def test_leases_are_renewed_in_their_pages_and_read_no_other_jobs() -> None:
    """The connection was opened, and its statement prepared, while the tables were empty.

    Nothing is analyzed: a transaction that is open meanwhile keeps all versions of a row, and its page gets full.
    """
    url = running(DEBIAN).url(database_without_statistics(DEBIAN))
    beats = [Beat(robot_id, at(50), True) for robot_id in ROBOTS]
    async with writing(url, RecordBeats()) as writer:
        await writer.submit(beats)
        await add_robots(url)
        await copy_running_jobs(url, PENDING)
        before = await counts(url, 1)
        for seconds in range(10):
            assert await writer.submit([Beat(robot_id, at(60 + seconds), True) for robot_id in ROBOTS]) == []
    scans, read, updated, hot = (now - then for now, then in zip(await counts(url, 0), before, strict=True))
    assert scans == 0
    assert read <= 10 * len(ROBOTS) * 5
    assert (updated, hot) == (10 * len(ROBOTS), 10 * len(ROBOTS)), "no index is changed"
    leases = "SELECT DISTINCT lease_expires_at FROM jobs WHERE robot_id IS NOT NULL"
    assert await rows(url, leases) == [(at(69 + 90),)]


async def test_lines_are_added_without_a_read_of_others() -> None:
    """The statements were prepared while the tables were empty, and keep their plans."""
    url = empty_database(DEBIAN)
    await add_robots(url, ROBOTS[:1])
    read = (
        "SELECT sum(seq_tup_read)::bigint, sum(idx_tup_fetch)::bigint FROM pg_stat_user_tables "
        "WHERE relname IN ('job_logs', 'log_volumes', 'robots', 'numbers')"
    )
    writer = Writer("logs", AppendLines(), Target(url), Failpoints())
    await writer.submit(lines_of(ROBOTS[0], 1, 1, journal=False))
    await add_robots(url, ROBOTS[1:])
    await rows(
        url,
        "INSERT INTO job_logs (log_id, tenant_id, robot_id, level, message, logged_at, received_at, truncated) "
        f"SELECT n, 'default', 'robot-1', 'INFO', 'line', 0, n, 0 FROM generate_series(2, {PENDING}) AS n",
    )
    await rows(url, f"UPDATE numbers SET last = {PENDING} WHERE name = 'logs'")
    scanned_before, fetched_before = await reported(url, read, 1)
    for robot_id in ROBOTS[:100]:
        await writer.submit(lines_of(robot_id, 1, 5, journal=False))
    await writer.close()
    scanned, fetched = await reported(url, read)
    assert scanned == scanned_before
    assert fetched - fetched_before <= 100 * 10
