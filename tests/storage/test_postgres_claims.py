"""Claims on PostgreSQL: several instances at once, connections that break, instances that stop, and query plans."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from casare_rpa.domain.job import Job
from casare_rpa.domain.selection import Slots
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.placements import Placements
from casare_rpa.infrastructure.orchestrator.storage.postgres import claim_heads, claims, held_slots, offer_writes
from casare_rpa.infrastructure.orchestrator.storage.postgres.claims import OfferJobs
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import (
    HOT,
    LOST,
    Connection,
    Purpose,
    Target,
)
from casare_rpa.infrastructure.orchestrator.storage.postgres.hot_writer import HotWriter
from postgres_server import DEBIAN, NEWEST, running
from storage.cut_proxy import Cut, CutProxy
from storage.postgres_database import empty_database
from storage.postgres_history import database_without_statistics
from storage.postgres_jobs import copy_jobs, plan_of
from storage.values import a_job, a_slot, at

pytestmark = pytest.mark.slow

Claims = HotWriter[claims.ClaimCall, list[Job]]


@asynccontextmanager
async def claiming(url: str, *, most: int = 500) -> AsyncIterator[Claims]:
    """The claims of one instance."""
    writer: Claims = HotWriter("claims", OfferJobs(Placements(), 0, max_offers=most), Target(url), Failpoints())
    try:
        yield writer
    finally:
        await writer.close()


async def claim(writer: Claims, robots: Sequence[str], seconds: float, capacity: int = 1) -> list[Job]:
    return await writer.submit((Slots([a_slot(name, capacity=capacity) for name in robots]), at(seconds)))


async def offered(url: str) -> dict[str, str]:
    """The robot of each offered job, as stored; each has one history entry."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT job_id, robot_id FROM jobs WHERE offer_expires_at IS NOT NULL")
        entries = await connection.fetch("SELECT job_id, count(*) FROM job_events WHERE number = 'T2' GROUP BY job_id")
    finally:
        await connection.close()
    assert {row[0]: 1 for row in rows} == {row[0]: row[1] for row in entries}
    return {row[0]: row[1] for row in rows}


# Several instances


@pytest.mark.parametrize("lines", [1, 7, 300])
async def test_concurrent_instances_claim_each_job_once_and_lose_no_turn(lines: int) -> None:
    url = empty_database(DEBIAN)
    await copy_jobs(url, [a_job(queue=f"queue-{n % lines}") for n in range(1_200)])

    async def work(name: str, writer: Claims) -> list[list[str]]:
        turns: list[list[str]] = []
        for turn in range(40):
            jobs = await claim(writer, [f"{name}-{turn}-{n}" for n in range(20)], turn)
            turns.append([job.job_id for job in jobs])
        return turns

    async with claiming(url) as first, claiming(url) as second, claiming(url) as third:
        turns = [
            turn for one in await asyncio.gather(work("a", first), work("b", second), work("c", third)) for turn in one
        ]
    claimed = Counter(job_id for turn in turns for job_id in turn)
    assert set(claimed.values()) == {1}
    assert claimed.keys() == (await offered(url)).keys()
    assert len(claimed) == 1_200
    full = [turn for turn in turns if len(turn) == 20]
    assert len(full) >= 58, "only the last turns find fewer jobs"


async def test_concurrent_claims_for_one_robot_fill_its_slots_once() -> None:
    url = empty_database(DEBIAN)
    await copy_jobs(url, [a_job(queue=f"queue-{n % 5}") for n in range(100)])
    async with claiming(url) as first, claiming(url) as second:
        for turn in range(15):
            both = await asyncio.gather(*(claim(one, [f"robot-{turn}"], turn, 3) for one in (first, second)))
            assert 1 <= sum(map(len, both)) <= 3
    assert max(Counter((await offered(url)).values()).values()) <= 3


async def test_line_whose_jobs_another_claim_has_locked_stays() -> None:
    url = empty_database(DEBIAN)
    await copy_jobs(url, [a_job(queue=f"queue-{n}") for n in range(2)])
    other = await asyncpg.connect(url)
    async with claiming(url) as writer:
        for slots in (1, 3):  # one line is read with locks at once, several are looked at first
            lock = other.transaction()
            await lock.start()
            await other.execute("SELECT 1 FROM jobs FOR NO KEY UPDATE")
            assert await claim(writer, ["robot-1"], 1.0, slots) == []
            await lock.rollback()
            found = await claim(writer, ["robot-1"], 1.00001, slots)  # too early to read the lines again
            assert len(found) == 1 if slots == 1 else found
    await other.close()


async def test_line_that_others_hold_is_left_for_other_lines() -> None:
    url = empty_database(DEBIAN)
    jobs = [a_job(queue=f"queue-{n % 4}", submitted_at=at(n / 1_000)) for n in range(40)]
    await copy_jobs(url, jobs)
    other = await asyncpg.connect(url)
    lock = other.transaction()
    await lock.start()
    held = await other.fetch("SELECT job_id FROM jobs WHERE queue IN ('queue-0', 'queue-1') FOR NO KEY UPDATE")
    async with claiming(url) as writer:
        found = await claim(writer, [f"robot-{n}" for n in range(20)], 1)
    await lock.rollback()
    await other.close()
    assert {job.job_id for job in found} == {job.job_id for job in jobs} - {row[0] for row in held}


async def test_robot_whose_session_moved_gets_no_offer() -> None:
    url = empty_database(DEBIAN)
    await copy_jobs(url, [a_job(), a_job()])
    connection = await asyncpg.connect(url)
    await connection.execute(
        "INSERT INTO robot_sessions (robot_id, instance, session_id, number, takeovers) "
        "VALUES ('robot-1', 'there', 'ses-other', 2, '[]')"
    )
    await connection.close()
    async with claiming(url) as writer:
        assert [job.robot_id for job in await claim(writer, ["robot-1", "robot-2"], 1)] == ["robot-2"]


# Connections that break


@pytest.mark.parametrize("cut", Cut)
async def test_cut_connection_assigns_nothing_twice_and_loses_nothing(cut: Cut) -> None:
    url = empty_database(DEBIAN)
    await copy_jobs(url, [a_job(queue=f"queue-{n % 3}") for n in range(120)])
    proxy = CutProxy(running(DEBIAN).port)
    await proxy.start()
    answered: list[str] = []
    turn = 0
    async with claiming(proxy.url(url)) as writer:
        while True:
            turn += 1
            if turn > 1:
                proxy.arm(turn - 1, cut)
            answered += [job.job_id for job in await claim(writer, [f"robot-{turn}-{n}" for n in range(2)], turn)]
            if turn > 1 and proxy.armed:
                break  # the claim sent fewer messages than that
    await proxy.close()
    assert turn > 6
    assert Counter(answered) == Counter((await offered(url)).keys())
    assert len(answered) == 2 * turn


class LostCommit:
    """A connection that is lost at its COMMIT: before the server has it, or before its answer has arrived."""

    def __init__(self, connection: Connection, cut: Cut) -> None:
        self._connection = connection
        self._cut = cut

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, query: str) -> str:
        if query != "COMMIT":
            return await self._connection.execute(query)
        if self._cut is Cut.AFTER:
            await self._connection.execute(query)
        self._connection.terminate()
        raise ConnectionResetError


async def test_offers_of_a_claim_without_an_answer_are_in_the_next_answer() -> None:
    url = empty_database(DEBIAN)
    await copy_jobs(url, [a_job() for _ in range(6)])
    command = OfferJobs(Placements(), 0)
    first: Any = LostCommit(await Target(url).connect(HOT), Cut.AFTER)
    with pytest.raises(LOST):
        await command.execute(first, [(Slots([a_slot("robot-1", capacity=3)]), at(1))])
    stored = await offered(url)
    assert [*stored.values()] == ["robot-1"] * 3
    second = await Target(url).connect(HOT)
    slots = Slots([a_slot("robot-1", capacity=3), a_slot("robot-2")])
    (jobs,) = await command.execute(second, [(slots, at(2))])
    assert Counter(job.robot_id for job in jobs) == {"robot-1": 3, "robot-2": 1}
    (jobs,) = await command.execute(second, [(Slots([a_slot("robot-3")]), at(3))])
    assert [job.robot_id for job in jobs] == ["robot-3"]
    await second.close()


async def test_offers_of_a_claim_that_was_rolled_back_are_not_answered() -> None:
    url = empty_database(DEBIAN)
    await copy_jobs(url, [a_job()])
    command = OfferJobs(Placements(), 0)
    first: Any = LostCommit(await Target(url).connect(HOT), Cut.BEFORE)
    with pytest.raises(LOST):
        await command.execute(first, [(Slots([a_slot("robot-1")]), at(1))])
    second = await Target(url).connect(HOT)
    ((job,),) = await command.execute(second, [(Slots([a_slot("robot-2")]), at(1))])  # the line is still known
    await second.close()
    assert job.robot_id == "robot-2"
    assert await offered(url) == {job.job_id: "robot-2"}


# Query plans

COLUMNS = ("attempt", "offer_expires_at", "ready", "revision", "robot_id", "session_id")
READ = {"number": 0, "after_rank": -(2**63), "after_id": ""}


@pytest.mark.long
@pytest.mark.parametrize("lines", [1, 1_000])
@pytest.mark.parametrize("server", [DEBIAN, NEWEST])
async def test_statements_prepared_for_an_empty_table_read_few_pages_of_a_full_one(lines: int, server: str) -> None:
    """They have generic plans, made while the table was empty.

    The server analyzes no table: an analysis during the one transaction that fills the table finds no row in its pages,
    and ends the kept plans.
    """
    url = running(server).url(database_without_statistics(server))
    jobs = [a_job(queue=f"queue-{n % lines}", submitted_at=at(n % 977)) for n in range(100_000)]
    placement = '["default","queue-0",null,[],"invoices"]'
    one = json.dumps([{**READ, "placement": placement, "most": 5}])
    robots = json.dumps([{"robot_id": "robot-1", "session_id": "ses", "held": 0}])
    new = json.dumps(
        [{"job_id": jobs[50_000].job_id, "old_revision": jobs[0].revision, "ready": 0, "attempt": 1, "revision": 1}]
    )
    asked: dict[str, tuple[str, tuple[Any, ...], int]] = {
        "promote_due": (claims.PREPARE, (at(1_000),), 50),
        "read_lines": (claims.PREPARE_ALL, (at(1_000), "[", "\\"), 20 + 10 * lines),
        "look_at": (claim_heads.LOOK, (one,), 50),
        "lock_heads": (claim_heads.LOCK, (one,), 50),
        "count_held": (held_slots.COUNT, (robots, "true"), 50),
        "write_offers": (offer_writes.offer_of(COLUMNS), (new, robots, "[]", "[]", 0), 150),
    }
    connection = await Target(url).connect(Purpose("claims", 5.0, {**HOT.settings, **claims.SETTINGS}))
    try:
        for name, (sql, values, _) in asked.items():
            await connection.execute(f"PREPARE {name} AS {sql}")
            await plan_of(connection, name, *values)
        await copy_jobs(url, jobs)
        for name, (_, values, most) in asked.items():
            nodes, pages = await plan_of(connection, name, *values)
            assert not [node for node in nodes if node.startswith(("Seq Scan", "Hash", "Merge"))], (name, nodes)
            assert pages <= most, (name, pages, nodes)
    finally:
        await connection.close()
