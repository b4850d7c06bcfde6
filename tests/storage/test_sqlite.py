"""The store on SQLite: group commit, failed commits, kill -9, one process."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.job_events import Cancel
from casare_rpa.domain.job_records import JobFilter, JobToAdd
from casare_rpa.domain.selection import Slots
from casare_rpa.domain.statistics import Counts
from casare_rpa.domain.tenants import Tenant
from casare_rpa.infrastructure.orchestrator.storage.cold import job_rows
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.sqlite import claims, heartbeat_writes, job_writes
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import BatchCommands, SqliteStore
from child_process import child_process
from storage.values import START, a_job, a_report, a_robot, a_slot, add, at, running, tell

WRITER = """
import asyncio, os, sys
from pathlib import Path
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import JobToAdd
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore

async def main(life: int) -> None:
    store = await SqliteStore.open(Path(sys.argv[1]))
    print(os.getpid(), flush=True)
    async def submit(lane: int) -> None:
        for number in range(100_000):
            job_id = f"{life}-{lane}-{number}"
            await store.add_jobs([JobToAdd(Job(job_id=job_id, tenant_id="default", workflow_id="w", submitted_at=1))])
            print(job_id, flush=True)
    await asyncio.gather(*[submit(lane) for lane in range(4)])

for life in range(int(sys.argv[2])):
    child = os.fork()  # the imports take longer than a life
    if child == 0:
        asyncio.run(main(life))
    os.waitpid(child, 0)
    print("killed", flush=True)
"""
LIVES = 8


KILLED_MIGRATION = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from casare_rpa.infrastructure.orchestrator.storage.sqlite.migration import migrate

created = 0

def count(connection, cursor, statement, *_):
    global created
    created += statement.lstrip().startswith("CREATE")
    if created == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "after_cursor_execute", count)
migrate(Path(sys.argv[1]))
"""


async def test_thousand_concurrent_submits_share_few_commits(tmp_path: Path) -> None:
    statements: list[str] = []
    store = await SqliteStore.open(tmp_path / "casare.db", trace=statements.append)
    await asyncio.gather(*[store.add_jobs([JobToAdd(a_job())]) for _ in range(1_000)])
    assert (await store.counts(None, at(1))).pending == 1_000
    commits = [statement for statement in statements if statement.startswith("COMMIT")]
    assert 0 < len(commits) < 100
    await store.close()


async def test_sample_of_queues_reads_no_jobs_on_the_connection_for_which_all_writes_wait(tmp_path: Path) -> None:
    statements: list[str] = []
    store = await SqliteStore.open(tmp_path / "casare.db", trace=statements.append)
    await store.add_jobs([JobToAdd(a_job())])
    del statements[:]
    await store.sample_queues(at(1))
    assert [sample.pending for sample in await store.queue_samples(at(1))] == [1]
    assert [statement for statement in statements if "queue_samples" in statement] != []
    assert [statement for statement in statements if "jobs" in statement or "tallies" in statement] == []
    await store.close()


@pytest.fixture
def one_batch() -> Iterator[None]:
    """The writer's thread does not run before all calls of a turn of the loop are submitted."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(10)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("one_batch")
async def test_failed_commit_fails_all_its_calls_and_writes_nothing(tmp_path: Path) -> None:
    failpoints = Failpoints("store.commit:error@1")
    store = await SqliteStore.open(tmp_path / "casare.db", failpoints=failpoints)
    failpoints.arm()
    jobs = [a_job() for _ in range(3)]
    results = await asyncio.gather(*[store.add_jobs([JobToAdd(job)]) for job in jobs], return_exceptions=True)
    assert {type(result) for result in results} == {StoreUnavailable}
    assert await store.counts(None, at(1)) == Counts()
    assert await store.claim(Slots([a_slot()]), at(1)) == [], "dispatch has no memory of them"
    await add(store, *jobs)
    assert len(await store.claim(Slots([a_slot()]), at(2))) == 1
    await store.close()


async def test_job_of_a_failed_claim_can_be_claimed(tmp_path: Path) -> None:
    failpoints = Failpoints("store.commit:error@1")
    store = await SqliteStore.open(tmp_path / "casare.db", failpoints=failpoints)
    await add(store, a_job())
    failpoints.arm()
    with pytest.raises(StoreUnavailable):
        await store.claim(Slots([a_slot()]), at(1))
    assert len(await store.claim(Slots([a_slot()]), at(2))) == 1
    await store.close()


async def test_conflict_of_a_cold_write_does_not_affect_the_batch(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "casare.db")
    await store.add_tenant(Tenant("acme", "Acme", at(0)), audit=AN_ENTRY)
    outcomes = await asyncio.gather(
        store.add_robot(a_robot(), audit=AN_ENTRY),
        store.add_tenant(Tenant("acme", "Acme", at(0)), audit=AN_ENTRY),
        store.add_jobs([JobToAdd(a_job())]),
    )
    assert outcomes[:2] == [True, False]
    assert (await store.counts(None, at(1))).pending == 1
    await store.close()


@pytest.mark.parametrize("bad", [{"parameters": "\ud800"}, {"priority": object()}, {"job_id": "taken"}])
async def test_failing_call_does_not_affect_the_batch(tmp_path: Path, bad: dict[str, Any]) -> None:
    store = await SqliteStore.open(tmp_path / "casare.db")
    await add(store, a_job(job_id="taken", not_before=at(1000)))
    outcomes = await asyncio.gather(
        store.add_jobs([JobToAdd(a_job())]),
        store.add_jobs([JobToAdd(a_job()), JobToAdd(a_job(**bad))]),
        store.add_jobs([JobToAdd(a_job())]),
        store.add_tenant(Tenant("acme", "Acme", at(0)), audit=AN_ENTRY),
        store.add_tenant(Tenant("\ud800", "Acme", at(0)), audit=AN_ENTRY),
        store.claim(Slots([a_slot(capacity=5)]), at(1)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [list, StoreUnavailable, list, bool, UnicodeEncodeError, list]
    assert (await store.counts(None, at(1))).pending == 3, "no row of the failing call"
    assert len(await store.claim(Slots([a_slot("robot-2", capacity=5)]), at(2))) + len(outcomes[-1]) == 2
    await store.close()


async def test_cancelled_caller_does_not_affect_the_batch(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "casare.db")
    impatient = asyncio.create_task(store.add_jobs([JobToAdd(a_job())]))
    patient = asyncio.create_task(store.add_jobs([JobToAdd(a_job())]))
    await asyncio.sleep(0)
    impatient.cancel()
    assert len(await patient) == 1
    await store.close()


async def test_second_process_is_refused(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "casare.db")
    with pytest.raises(StoreUnavailable, match="in use by another orchestrator"):
        await SqliteStore.open(tmp_path / "casare.db")
    await store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.check()
    await (await SqliteStore.open(tmp_path / "casare.db")).close()


async def test_cancelled_open_releases_the_database(tmp_path: Path) -> None:
    before = {*threading.enumerate()}
    opening = asyncio.create_task(SqliteStore.open(tmp_path / "casare.db"))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert not [thread for thread in {*threading.enumerate()} - before if thread.name == "store writer"]
    await (await SqliteStore.open(tmp_path / "casare.db")).close()


async def test_file_that_is_not_a_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "casare.db").write_bytes(b"this is not a database" * 100)
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        await SqliteStore.open(tmp_path / "casare.db")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("UPDATE schema_info SET min_reader = '9999'", "was contracted by a newer version of this program"),
        ("DROP TABLE schema_info", "does not say which versions can use it"),
    ],
)
async def test_database_that_needs_a_newer_program_is_refused(tmp_path: Path, change: str, sentence: str) -> None:
    path = tmp_path / "casare.db"
    await (await SqliteStore.open(path)).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute(change)
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match=sentence) as refused:
        await SqliteStore.open(path)
    assert str(path) in str(refused.value)
    assert path.read_bytes() == before, "nothing was touched"


@pytest.mark.slow
@pytest.mark.parametrize("statements", [1, 7, 25])
async def test_killed_first_migration_is_completed_by_the_next_start(tmp_path: Path, statements: int) -> None:
    path = tmp_path / "casare.db"
    killed = subprocess.run([sys.executable, "-c", KILLED_MIGRATION, str(path), str(statements)], check=False)
    assert killed.returncode == -signal.SIGKILL
    store = await SqliteStore.open(path)
    await running(store)
    assert [tenant.tenant_id for tenant in await store.tenants()] == ["default"]
    await store.close()


async def test_reopened_store_knows_counts_jobs_and_lines(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "casare.db")
    work = await running(store)
    await add(store, a_job(tags=("sap",)))
    await store.close()
    store = await SqliteStore.open(tmp_path / "casare.db")
    assert await store.counts(None, at(3)) == Counts(1, 0, 1, 0, 0)
    assert await store.job(work.job_id) == work
    assert len(await store.claim(Slots([a_slot("robot-2", "sap")]), at(3))) == 1
    await store.close()


@pytest.mark.slow
def test_kill_in_a_write_loop_loses_no_answered_write(tmp_path: Path) -> None:
    path = tmp_path / "casare.db"
    answered: set[str] = set()
    arguments = [sys.executable, "-c", WRITER, str(path), str(LIVES)]
    with child_process(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for life in range(LIVES):
            writer = int(process.stdout.readline())
            answered |= {process.stdout.readline().strip() for _ in range(40 + 13 * life)}
            os.kill(writer, signal.SIGKILL)
            answered |= {line.strip() for line in iter(process.stdout.readline, "killed\n")}
    assert process.returncode == 0
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    stored = {row[0] for row in connection.execute("SELECT job_id FROM jobs")}
    tallied = connection.execute("SELECT sum(number) FROM tallies").fetchone()[0]
    connection.close()
    assert len(answered) >= LIVES * 40
    assert answered <= stored
    assert tallied == len(stored)


async def test_hot_statements_use_an_index(tmp_path: Path) -> None:
    await (await SqliteStore.open(tmp_path / "casare.db")).close()
    connection = sqlite3.connect(tmp_path / "casare.db")

    def plan(sql: str, *parameters: object) -> str:
        return " | ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters))

    heads = plan(f"SELECT * {claims.HEADS}", "x", *claims.BEFORE_ALL, 1)
    assert "jobs_ready (placement=? AND (rank,job_id)>(?,?))" in heads
    assert "jobs_held" in plan(f"SELECT * {claims.HELD}", "[]")
    assert "jobs_held" in plan(heartbeat_writes.RENEW_ALL, "[]")
    assert "jobs_open (job_id=?)" in plan(heartbeat_writes.RENEW_LISTED, "[]")
    assert "jobs_delayed" in plan(claims.PROMOTE, 1)
    for differ in ((True, True, True, True, True), (False,) * 5):
        assert "SCAN jobs" not in plan(job_writes.update_of(("revision", "status", "ready"), differ), "[]", "[]")
    due = plan(job_rows.DUE.sql, *[1] * job_rows.DUE.sql.count("?"))
    for index in ("jobs_offers", "jobs_leases", "jobs_graces", "jobs_deadlines"):
        assert index in due
    connection.close()


@pytest.mark.parametrize("text", ["nowhere:error", "store.commit:sing", "store.commit:kill@x"])
def test_unknown_failpoints_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="CASARE_FAILPOINTS"):
        Failpoints(text)


async def test_closed_store_refuses_reads_and_writes(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "casare.db")
    await store.close()
    for call in (store.job("any"), store.jobs(JobFilter(), 1, None), store.add_jobs([JobToAdd(a_job())])):
        with pytest.raises(StoreUnavailable, match="closed"):
            await call


async def test_each_instance_counts_in_its_slot_and_counts_are_sums_of_the_slots(tmp_path: Path) -> None:
    path, queued = tmp_path / "casare.db", a_job(queue="payroll")
    first = await SqliteStore.open(path, commands=BatchCommands(tally_slot=1))
    job = await running(first)
    await add(first, queued)
    await first.close()
    second = await SqliteStore.open(path, commands=BatchCommands(tally_slot=2))
    assert await second.counts(None, START) == Counts(1, 0, 1, 0, 0)
    await tell(second, job.job_id, a_report("completed"))
    await tell(second, queued.job_id, Cancel("over", "ana"))
    await add(second, a_job())
    assert await second.counts("default", at(20)) == Counts(1, 0, 0, 1, 0)
    assert await second.queue_depths(None) == {"default": 1}
    assert [(one.completed, one.failed) for one in await second.ended(None, START)] == [(1, 0)]
    await second.close()
    connection = sqlite3.connect(path)
    slots = dict(connection.execute("SELECT slot, sum(number) FROM tallies WHERE queue = 'default' GROUP BY slot"))
    payroll = connection.execute(
        "SELECT slot, number FROM tallies WHERE queue = 'payroll' AND status = 'pending' ORDER BY slot"
    ).fetchall()
    connection.close()
    assert slots == {1: 1, 2: 1}
    assert payroll == [(1, 1), (2, -1)], "the first instance added it, the second ended it"


async def test_clock_of_the_machine_counts(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "casare.db")
    assert await store.now() is None
    await store.close()


async def test_store_that_cannot_be_written_at_the_start_leaves_no_writer(tmp_path: Path) -> None:
    failpoints = Failpoints("store.commit:error@1")
    failpoints.arm()
    with pytest.raises(StoreUnavailable):
        await SqliteStore.open(tmp_path / "casare.db", failpoints=failpoints)
    assert "store writer" not in {thread.name for thread in threading.enumerate()}
    await (await SqliteStore.open(tmp_path / "casare.db")).close()
