"""Row 4: transactions that wait for each other. Rows are locked in the order of their keys, and errors are repeated."""

import asyncio
from typing import Any

import pytest

from casare_rpa.domain.job_events import Cancel, Step
from casare_rpa.domain.job_records import Change, JobToAdd
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.hot_writer import HotWriter
from casare_rpa.infrastructure.orchestrator.storage.postgres.job_changes import AddPostgresJobs, ApplyPostgresChanges
from failures.test_connection_cut_in_a_write import waiting_backends
from postgres_server import DEBIAN
from storage.postgres_database import empty_database
from storage.test_postgres_jobs import assert_once, connected, ignore
from storage.values import a_job, at

pytestmark = pytest.mark.slow


async def test_two_batches_in_opposite_order_cause_no_deadlock() -> None:
    url = empty_database(DEBIAN)
    jobs = [a_job() for _ in range(100)]
    add = AddPostgresJobs(ignore, 0)
    async with connected(url) as first, connected(url) as second:
        await add.execute(first, [([JobToAdd(job) for job in jobs], None)])
        cancels = [Change(job.job_id, Cancel("over", "ana"), at(5)) for job in jobs]
        one: Any = [(cancels, None, None)]
        reverse: Any = [(cancels[::-1], None, None)]
        answers = await asyncio.gather(
            ApplyPostgresChanges(ignore, 0).execute(first, one),
            ApplyPostgresChanges(ignore, 1).execute(second, reverse),
        )
        assert await first.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == 0
    accepted = [sum(isinstance(applied.answer, Step) for applied in answer) for (answer,) in answers]
    assert sorted(accepted) == [0, 100], "a batch is written as a whole"
    await assert_once(url, [job.job_id for job in jobs])


async def test_change_that_the_server_ends_because_of_a_deadlock_is_repeated() -> None:
    """Another program locks the same two jobs the other way round. The server ends the statement of the instance."""
    url = empty_database(DEBIAN)
    jobs = [a_job(), a_job()]
    changes: HotWriter[Any, Any] = HotWriter("changes", ApplyPostgresChanges(ignore, 0), Target(url), Failpoints())
    lock = "SELECT 1 FROM jobs WHERE job_id = $1 FOR UPDATE"
    async with connected(url) as connection, connected(url) as other:
        await AddPostgresJobs(ignore, 0).execute(connection, [([JobToAdd(job) for job in jobs], None)])
        await other.execute("SET deadlock_timeout = '60s'")  # only the other side looks for a deadlock
        transaction = other.transaction()
        await transaction.start()
        await other.fetch(lock, jobs[1].job_id)
        cancels = [Change(job.job_id, Cancel("over", "ana"), at(5)) for job in jobs]
        submitted = asyncio.create_task(changes.submit((cancels, None, None)))
        await waiting_backends(connection, 1)
        await other.fetch(lock, jobs[0].job_id)
        ended = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        await transaction.commit()
        answer = await submitted
        async with asyncio.timeout(10):
            while await connection.fetchval(ended) == 0:  # the server reports it a little later
                await asyncio.sleep(0.01)
    await changes.close()
    assert [isinstance(applied.answer, Step) for applied in answer] == [True, True]
    await assert_once(url, [job.job_id for job in jobs])
