"""Row 1: a connection is cut in a write, so that its outcome is unknown. The same call is sent again.

A look would not answer the question: the server may still execute the statement. The repetition waits for it.
"""

import asyncio
from typing import Any

import pytest

from casare_rpa.domain.job_events import Cancel, Step
from casare_rpa.domain.job_records import Change, JobToAdd
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Connection, Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.hot_writer import HotWriter
from casare_rpa.infrastructure.orchestrator.storage.postgres.job_changes import AddPostgresJobs, ApplyPostgresChanges
from postgres_server import DEBIAN, running
from storage.cut_proxy import Cut, CutProxy
from storage.postgres_database import empty_database
from storage.test_postgres_jobs import assert_once, connected, ignore
from storage.values import a_job, at

pytestmark = pytest.mark.slow


@pytest.mark.timeout(900)
@pytest.mark.parametrize("cuts", [60, pytest.param(1_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("cut", Cut)
async def test_connection_cut_in_a_write_duplicates_and_loses_nothing(cut: Cut, cuts: int) -> None:
    """A submit and a change in turn; the connection of each is cut at another one of its messages."""
    url = empty_database(DEBIAN)
    proxy = CutProxy(running(DEBIAN).port)
    await proxy.start()
    target, failpoints = Target(proxy.url(url)), Failpoints()
    submits: HotWriter[Any, Any] = HotWriter("submits", AddPostgresJobs(ignore, 0), target, failpoints)
    changes: HotWriter[Any, Any] = HotWriter("changes", ApplyPostgresChanges(ignore, 0), target, failpoints)
    job_ids: list[str] = []
    numbers: list[int] = []
    turns = 1 + cuts // 2
    for turn in range(turns):
        job = a_job()
        job_ids.append(job.job_id)
        if turn:
            proxy.arm(1 + turn % 5, cut)
        new = JobToAdd(job, f"key-{turn}" if turn % 2 else None, "digest")
        (added,) = await submits.submit(([new], None))
        if turn:
            proxy.arm(1 + turn % 3, cut)
        (applied,) = await changes.submit(([Change(job.job_id, Cancel("over", "ana"), at(5))], None, None))
        assert added.job == job
        assert isinstance(applied.answer, Step)
        numbers += [one.numbers.seq for one in (added, applied) if one.numbers is not None]
    await submits.close()
    await changes.close()
    await proxy.close()
    await assert_once(url, job_ids)
    assert set(numbers) <= {*range(1, 2 * turns + 1)}
    assert numbers == sorted(numbers)


async def test_repetition_beside_its_own_earlier_statement_writes_once() -> None:
    url = empty_database(DEBIAN)
    add, change = AddPostgresJobs(ignore, 0), ApplyPostgresChanges(ignore, 0)
    job = a_job()
    submits: Any = [([JobToAdd(job)], None)]
    changes: Any = [([Change(job.job_id, Cancel("over", "ana"), at(5))], None, None)]
    async with connected(url) as first, connected(url) as second, connected(url) as other:
        for command, calls, number in ((add, submits, 1), (change, changes, 2)):
            execute: Any = command.execute
            async with other.transaction():
                await other.execute("UPDATE numbers SET last = last WHERE name = 'jobs'")
                lost = asyncio.create_task(execute(first, calls))
                await waiting_backends(other, 1)
                repeated = asyncio.create_task(execute(second, calls))
                await waiting_backends(other, 2)
            ((answer,),) = await repeated
            assert answer.numbers.seq == answer.numbers.tenant_seq == number
            await lost
    await assert_once(url, [job.job_id])


async def waiting_backends(connection: Connection, number: int) -> None:
    """Until so many statements wait for a lock."""
    async with asyncio.timeout(10):
        while True:
            waiting = await connection.fetchval(
                "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = "
                "current_database()"
            )
            if waiting >= number:
                return
            await asyncio.sleep(0)
