"""Lists of jobs read an index for every filter, without a scan and without sorting."""

import sqlite3
from pathlib import Path

import pytest

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Reason
from casare_rpa.domain.job_records import JobFilter, JobOrder
from casare_rpa.domain.statistics import JobCount
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.storage.cold import job_filters
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits
from new_database import new_database
from storage.values import a_job, a_report, add, at, running, tell

ASKED = {
    "nothing": JobFilter(),
    "tenant": JobFilter(tenant_id="acme"),
    "status": JobFilter(statuses=(JobStatus.FAILED,)),
    "pending": JobFilter(statuses=(JobStatus.PENDING,), tenant_id="acme"),
    "status and queue": JobFilter(statuses=(JobStatus.COMPLETED,), queue="payroll"),
    "reason": JobFilter(statuses=(JobStatus.FAILED,), reasons=(Reason.TIMEOUT,)),
    "workflow": JobFilter(workflow_id="w"),
    "robot": JobFilter(robot_id="alpha"),
    "fingerprint": JobFilter(fingerprint="f"),
    "prefix of a job": JobFilter(prefix="job-0"),
    "one job": JobFilter(prefix="job-019515b0c8e04f6a2d9be113"),
    "a while": JobFilter(since=Instant(1), until=Instant(2)),
    "from": JobFilter(since=Instant(1)),
    "from and to": JobFilter(since=Instant(1), until=Instant(9)),
    "status, from and to": JobFilter(statuses=(JobStatus.FAILED,), since=Instant(1), until=Instant(9)),
    "everything": JobFilter(
        tenant_id="acme",
        statuses=(JobStatus.FAILED,),
        robot_id="alpha",
        workflow_id="w",
        queue="payroll",
        reasons=(Reason.TIMEOUT,),
        fingerprint="f",
        prefix="job-0",
        since=Instant(1),
        until=Instant(9),
    ),
    "two statuses": JobFilter(statuses=(JobStatus.CLAIMED, JobStatus.RUNNING), tenant_id="acme"),
    "two reasons": JobFilter(statuses=(JobStatus.FAILED,), reasons=(Reason.TIMEOUT, Reason.ERROR), queue="payroll"),
    "to cancel": JobFilter(statuses=(JobStatus.RUNNING,), to_cancel=True),
    "to retry": JobFilter(statuses=(JobStatus.FAILED,), to_retry=True),
}

ENDED = {
    "all": JobFilter(),
    "failed in a while": JobFilter(statuses=(JobStatus.FAILED,), ended_since=Instant(1), ended_until=Instant(9)),
    "of a workflow": JobFilter(workflow_id="w", tenant_id="acme", ended_since=Instant(1)),
    "without the cancelled": JobFilter(
        statuses=(JobStatus.FAILED,), reasons=(Reason.ERROR, Reason.TIMEOUT), ended_since=Instant(1)
    ),
}


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    """An empty database with the current schema."""
    return sqlite3.connect(new_database(tmp_path))


def plans(
    connection: sqlite3.Connection,
    wanted: JobFilter,
    before: tuple[Instant, str] | None,
    order: JobOrder = JobOrder.NEWEST,
) -> list[str]:
    """The query plan of each statement of a list."""
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    job_filters.listed(connection, wanted, 50, before, order)
    connection.set_trace_callback(None)
    return [row[3] for sql in asked for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]


@pytest.mark.parametrize("before", [None, (Instant(5), "job-5")], ids=["first page", "next page"])
@pytest.mark.parametrize("wanted", ASKED.values(), ids=ASKED.keys())
def test_list_is_read_in_index_order(
    connection: sqlite3.Connection, wanted: JobFilter, before: tuple[Instant, str] | None
) -> None:
    found = plans(connection, wanted, before)
    assert found
    for step in found:
        assert "USING" in step or not step.startswith(("SCAN jobs", "SEARCH jobs")), step
        assert "TEMP B-TREE" not in step, step


@pytest.mark.parametrize("after", [None, (Instant(5), "job-5")], ids=["first page", "next page"])
@pytest.mark.parametrize("order", JobOrder)
@pytest.mark.parametrize("wanted", ENDED.values(), ids=ENDED.keys())
def test_every_order_is_read_in_index_order(
    connection: sqlite3.Connection, wanted: JobFilter, order: JobOrder, after: tuple[Instant, str] | None
) -> None:
    found = plans(connection, wanted, after, order)
    assert [step for step in found if "TEMP B-TREE" in step] == []
    if order.by_end:
        assert all("USING INDEX jobs_ended" in step for step in found), found
        assert all("(finished_at>" in step for step in found if wanted.ended_since is not None), found


def test_count_by_end_reads_only_the_range(connection: sqlite3.Connection) -> None:
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    job_filters.count(connection, ENDED["failed in a while"], 9)
    connection.set_trace_callback(None)
    (step, *_) = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {asked[0]}") if "jobs" in row[3]]
    assert "jobs_ended (finished_at>? AND finished_at<?)" in step


async def test_jobs_are_listed_by_their_end_page_by_page(store: Store) -> None:
    ids = []
    for second in (3, 1, 2):
        job = await running(store)
        await tell(store, job.job_id, a_report("completed"), 100 + second)
        ids.append((second, job.job_id))
    await running(store)
    wanted = JobFilter(ended_since=at(101), ended_until=at(103))
    expected = [job_id for second, job_id in sorted(ids, reverse=True) if second < 3]
    (first,) = await store.jobs(wanted, 1, None, JobOrder.LAST_ENDED)
    rest = await store.jobs(wanted, 5, JobOrder.LAST_ENDED.position(first), JobOrder.LAST_ENDED)
    assert [job.job_id for job in (first, *rest)] == expected
    assert [job.job_id for job in await store.jobs(wanted, 5, None, JobOrder.FIRST_ENDED)] == expected[::-1]
    assert (await store.count_jobs(wanted)).matching == 2


async def test_jobs_of_several_statuses_are_one_list_without_repetition(store: Store) -> None:
    jobs = [await running(store), *(a_job() for _ in range(2))]
    await add(store, *jobs[1:])
    wanted = JobFilter(statuses=(JobStatus.RUNNING, JobStatus.PENDING, JobStatus.RUNNING))
    found = await store.jobs(wanted, 9, None)
    assert sorted(job.job_id for job in found) == sorted(job.job_id for job in jobs)
    assert found == sorted(found, key=lambda job: (job.submitted_at, job.job_id), reverse=True)
    assert (await store.count_jobs(wanted)).matching == 3


def test_prefix_of_a_workflow_reads_one_row_per_name(connection: sqlite3.Connection) -> None:
    found = [step for step in plans(connection, JobFilter(prefix="inv"), None) if " jobs " in f"{step} "]
    assert found
    assert all("jobs_newest_by_workflow_id" in step for step in found)


async def test_many_workflows_with_a_prefix_are_read_completely(store: Store) -> None:
    jobs = [a_job(workflow_id=f"inv-{n:03}", submitted_at=at(n)) for n in range(job_filters.PREFIXED_WORKFLOWS + 1)]
    await add(store, *jobs, a_job(workflow_id="inw"), a_job(workflow_id="in"), a_job(workflow_id="INV-1"))
    wanted = JobFilter(prefix="inv-")
    assert await store.jobs(wanted, 100, None) == jobs[::-1]
    assert await store.jobs(wanted, 2, (jobs[2].submitted_at, jobs[2].job_id)) == [jobs[1], jobs[0]]
    assert (await store.count_jobs(wanted)).matching == len(jobs)
    assert await store.jobs(JobFilter(prefix="inv-", workflow_id="inv-007"), 9, None) == [jobs[7]]


async def test_workflow_with_a_name_like_an_id_is_found_once(store: Store) -> None:
    named = a_job(job_id="job-1", workflow_id="job-import")
    other = a_job(job_id="job-import-9", workflow_id="job-import")
    await add(store, named, other, a_job(job_id="job-2", workflow_id="w"))
    found = await store.jobs(JobFilter(prefix="job-im"), 10, None)
    assert sorted(job.job_id for job in found) == ["job-1", "job-import-9"]
    assert (await store.count_jobs(JobFilter(prefix="job-im"))).matching == 2


async def test_many_workflows_are_read_in_index_order(tmp_path: Path) -> None:
    store = await SqliteStore.open(new_database(tmp_path))
    await add(store, *(a_job(workflow_id=f"inv-{n}") for n in range(job_filters.PREFIXED_WORKFLOWS + 1)))
    await store.close()
    connection = sqlite3.connect(tmp_path / "casare.db")
    found = plans(connection, JobFilter(prefix="inv-"), None)
    connection.close()
    assert any("USING INDEX jobs_newest" in step for step in found)
    assert not [step for step in found if "TEMP B-TREE" in step]


@pytest.mark.parametrize("limits", [StoreLimits(counted_jobs=2)])
async def test_count_stops_at_its_limit_and_is_capped(store: Store) -> None:
    await add(store, a_job(), a_job(workflow_id="other"))
    assert await store.count_jobs(JobFilter(workflow_id="other")) == JobCount(1, 2, False)
    await add(store, a_job())
    assert await store.count_jobs(JobFilter(workflow_id="other")) == JobCount(1, 2, True)
    assert await store.count_jobs(JobFilter()) == JobCount(2, 2, True)
