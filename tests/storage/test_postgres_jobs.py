"""Submits and changes on PostgreSQL: connections that break, rows that others change meanwhile, and query plans."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from casare_rpa.domain.job import Job
from casare_rpa.domain.job_events import LeaseOver, Step
from casare_rpa.domain.job_records import Change, JobToAdd
from casare_rpa.domain.limits import MAX_WRITE_CHARACTERS
from casare_rpa.domain.logs import Level, LogLine
from casare_rpa.domain.steps import RunStep, StepReport
from casare_rpa.domain.vocabulary import JobStatus, StepStatus
from casare_rpa.infrastructure.orchestrator.storage.decisions import Counters, decide_changes
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.postgres import change_reads, job_changes, job_writes
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import HOT, Connection, Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.heartbeats import RecordBeats
from casare_rpa.infrastructure.orchestrator.storage.postgres.hot_writer import HotCommand, HotWriter
from casare_rpa.infrastructure.orchestrator.storage.postgres.job_changes import AddPostgresJobs, ApplyPostgresChanges
from casare_rpa.infrastructure.orchestrator.storage.postgres.log_appends import AppendLines
from casare_rpa.infrastructure.orchestrator.storage.postgres.mixed_commands import MixedCommands, NamedCall
from casare_rpa.infrastructure.orchestrator.storage.postgres.sessions import ProfileWrite, WriteProfiles
from casare_rpa.infrastructure.orchestrator.storage.postgres.step_saves import SaveSteps
from casare_rpa.infrastructure.orchestrator.storage.rows import JOB_SELECT, job_of
from postgres_server import DEBIAN
from storage.postgres_database import empty_database
from storage.postgres_jobs import copy_jobs, plan_of
from storage.values import a_job, a_report, at

pytestmark = pytest.mark.slow

MOST_PAGES = 4_000
"""Of 50 jobs with their indexes. All of the jobs have more than 10,000."""
CANCELS = ("T1", "T11")
Acts = list[Callable[[], Awaitable[Any]]]


def ignore(_: object) -> None:
    """Placements are the part of claims."""


def a_running_job(**wishes: Any) -> Job:
    fields = {"status": JobStatus.RUNNING, "robot_id": "robot-1", "session_id": "ses-robot-1", "attempt": 1}
    return a_job(**{**fields, "started_at": at(2), "lease_expires_at": at(90), "revision": 3, **wishes})


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    connection = await Target(url).connect(HOT)
    try:
        yield connection
    finally:
        await connection.close()


async def stored_job(url: str, job_id: str) -> Job:
    async with connected(url) as connection:
        return job_of(await connection.fetchrow(f"SELECT {JOB_SELECT} FROM jobs WHERE job_id = $1", job_id))


async def assert_once(url: str, job_ids: list[str]) -> None:
    """Each job was added and cancelled once, and the numbers have no gap."""
    async with connected(url) as connection:
        rows = await connection.fetch("SELECT job_id, number, seq, tenant_seq FROM job_events ORDER BY seq")
        tallies = dict(await connection.fetch("SELECT status, sum(number)::bigint FROM tallies GROUP BY status"))
    history: dict[str, tuple[str, ...]] = {}
    for job_id, number, *_ in rows:
        history[job_id] = (*history.get(job_id, ()), number)
    assert history == dict.fromkeys(job_ids, CANCELS)
    everyone = [*range(1, len(rows) + 1)]
    assert [row[2] for row in rows] == everyone
    assert [row[3] for row in rows] == everyone
    assert tallies == {"pending": 0, "cancelled": len(job_ids)}


# Rows that others change


class Meanwhile:
    """A connection that lets another one act before its first write."""

    def __init__(self, connection: Connection, act: Callable[[], Awaitable[object]]) -> None:
        self._connection = connection
        self._acts: Acts = [act]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetchrow(self, sql: str, *values: object) -> Any:
        if self._acts:
            await self._acts.pop()()
        return await self._connection.fetchrow(sql, *values)


@pytest.mark.parametrize("over", [False, True])
async def test_lease_that_a_heartbeat_extends_meanwhile_stays_extended(over: bool) -> None:
    url = empty_database(DEBIAN)
    job = a_running_job()
    await copy_jobs(url, [job])
    async with connected(url) as connection, connected(url) as other:
        extending: Any = Meanwhile(
            connection, lambda: other.execute("UPDATE jobs SET lease_expires_at = $1::bigint", at(180))
        )
        event: Any = LeaseOver() if over else a_report("running", progress=50.0)
        calls: Any = [([Change(job.job_id, event, at(100))], None, None)]
        ((applied,),) = await ApplyPostgresChanges(ignore, 0).execute(extending, calls)
    stored = await stored_job(url, job.job_id)
    assert isinstance(applied.answer, Step) is not over
    assert (stored.status, stored.lease_expires_at) == (JobStatus.RUNNING, at(180))


async def test_session_that_is_lost_meanwhile_changes_nothing() -> None:
    url = empty_database(DEBIAN)
    job = a_running_job()
    await copy_jobs(url, [job])
    async with connected(url) as connection, connected(url) as other:
        await other.execute(
            "INSERT INTO robot_sessions (robot_id, instance, session_id, number, takeovers) "
            "VALUES ('robot-1', 'here', 'ses-robot-1', 1, '[]')"
        )
        losing: Any = Meanwhile(connection, lambda: other.execute("UPDATE robot_sessions SET session_id = 'ses-new'"))
        calls: Any = [([Change(job.job_id, a_report("completed"), at(20))], None, ("robot-1", "ses-robot-1"))]
        assert await ApplyPostgresChanges(ignore, 0).execute(losing, calls) == [[]]
    assert await stored_job(url, job.job_id) == job


# Query plans


@pytest.mark.long
async def test_plans_made_for_empty_tables_are_right_for_large_ones() -> None:
    url = empty_database(DEBIAN)
    jobs = [a_running_job(job_id=f"many-{n:06d}", finished_at=at(3) if n % 100 else None) for n in range(100_000)]
    wanted = [job for job in jobs if job.finished_at is None][:50]
    counters = Counters()
    calls = [[Change(job.job_id, a_report("completed"), at(20))] for job in wanted]
    decided = decide_changes(calls, {job.job_id: job for job in wanted}, counters)
    session = ("robot-1", "ses-robot-1")
    change = job_writes.apply_statement(decided, counters, [], [session], 0)
    texts = "{" + ",".join(job.job_id for job in wanted) + "}"
    statements: dict[str, tuple[Any, ...]] = {
        change.sql: change.parameters,
        job_writes.LOAD: (texts,),
        job_writes.NUMBERS: (texts,),
        job_changes.KNOWN_KEYS: ('[{"tenant_id":"default","idempotency_key":"key"}]',),
        job_changes.LOST_SESSIONS: ('[{"robot_id":"robot-1","session_id":"s"}]',),
        change_reads.ALL_CHANGES: ("{99901}", "jobs", 100, f"{{{2**62}}}"),
        change_reads.CHANGES_OF_TENANT: (99_900, "jobs:default", 100, "default"),
    }
    async with connected(url) as connection:
        for number, (sql, values) in enumerate(statements.items()):
            await connection.execute(f"PREPARE s{number} AS {sql}")
            await plan_of(connection, f"s{number}", *values)  # the plan is made, and kept
        await connection.execute("DELETE FROM job_events")
        await copy_jobs(url, jobs)
        await connection.execute(
            "INSERT INTO job_events (job_id, at, number, kind, status, attempt, tenant_id, seq, tenant_seq, shown) "
            "SELECT job_id, 0, 'T7', 'running', 'running', 1, 'default', n, n, '[]' "
            "FROM (SELECT job_id, row_number() OVER (ORDER BY job_id) AS n FROM jobs) AS numbered"
        )
        await connection.execute("UPDATE numbers SET last = 100000 WHERE name = 'jobs'")
        await connection.execute("INSERT INTO numbers (name, last) VALUES ('jobs:default', 100000)")
        for number, (sql, values) in enumerate(statements.items()):
            nodes, pages = await plan_of(connection, f"s{number}", *values)
            assert not [node for node in nodes if node.startswith(("Seq Scan on", "Hash", "Merge"))], (sql, nodes)
            assert pages <= MOST_PAGES, (pages, nodes, sql)


class Noting:
    """Notes how many calls each statement gets. A call is the size of its texts."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    async def execute(self, connection: Connection, calls: Sequence[int]) -> Sequence[None]:
        self.batches.append(len(calls))
        return [None for _ in calls]

    def size_of(self, call: int) -> int:
        return call


async def test_large_calls_are_written_by_several_statements() -> None:
    """A statement that writes 50 MB takes most of its five seconds."""
    noting = Noting()
    writer: HotWriter[int, None] = HotWriter("submits", noting, Target(empty_database(DEBIAN)), Failpoints())
    third = MAX_WRITE_CHARACTERS // 3
    await asyncio.gather(*[writer.submit(size) for size in (third, third, third, third, 9 * third, 0, 0)])
    await writer.close()
    assert noting.batches == [3, 1, 1, 2], "one that is too large is written by itself"


LARGE = "x" * 1_000
A_LINE = LogLine("default", "robot-1", Level.INFO, LARGE, at(0), at(0))
A_STEP = RunStep(1, None, LARGE, "step", StepStatus.RUNNING, at(0), None)
LARGE_CALLS: dict[str, tuple[HotCommand[Any, Any], Any, int]] = {
    "submits": (AddPostgresJobs(ignore, 0), ([JobToAdd(a_job(parameters=LARGE))] * 2, None), 2),
    "reports": (
        ApplyPostgresChanges(ignore, 0),
        ([Change("job", a_report("failed", result=LARGE, error=LARGE, message=LARGE), at(0))] * 2, None, None),
        6,
    ),
    "changes without texts": (ApplyPostgresChanges(ignore, 0), ([Change("job", LeaseOver(), at(0))], None, None), 0),
    "log lines": (AppendLines(), [A_LINE] * 3, 3),
    "steps": (SaveSteps(), StepReport("robot-1", "job", 1, (A_STEP, A_STEP), 1), 2),
    "workflows": (WriteProfiles(), ProfileWrite("robot-1", None, "workflows", LARGE), 1),
    "no workflows": (WriteProfiles(), ProfileWrite("robot-1", None, "workflows", None), 0),
    "heartbeats": (RecordBeats(), [], 0),
    "one of several kinds": (
        MixedCommands({"steps": SaveSteps(), "lines": AppendLines()}),
        NamedCall("lines", [A_LINE]),
        1,
    ),
}


@pytest.mark.parametrize("kind", LARGE_CALLS)
def test_size_of_a_call_counts_the_texts_that_its_sender_chooses(kind: str) -> None:
    command, call, texts = LARGE_CALLS[kind]
    assert command.size_of(call) == texts * len(LARGE)
