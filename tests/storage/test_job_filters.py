"""Lists of jobs read an index for every filter, without a scan and without sorting."""

import sqlite3
from pathlib import Path

import pytest

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Reason
from casare_rpa.domain.job_records import JobFilter
from casare_rpa.domain.statistics import JobCount
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.storage.cold import job_filters
from casare_rpa.infrastructure.orchestrator.storage.sqlite.migration import migrate
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits
from storage.values import a_job, add, at

ASKED = {
    "nothing": JobFilter(),
    "tenant": JobFilter(tenant_id="acme"),
    "status": JobFilter(status=JobStatus.FAILED),
    "pending": JobFilter(status=JobStatus.PENDING, tenant_id="acme"),
    "status and queue": JobFilter(status=JobStatus.COMPLETED, queue="payroll"),
    "reason": JobFilter(status=JobStatus.FAILED, reason=Reason.TIMEOUT),
    "workflow": JobFilter(workflow_id="w"),
    "robot": JobFilter(robot_id="alpha"),
    "fingerprint": JobFilter(fingerprint="f"),
    "prefix of a job": JobFilter(prefix="job-0"),
    "one job": JobFilter(prefix="job-019515b0c8e04f6a2d9be113"),
    "a while": JobFilter(since=Instant(1), until=Instant(2)),
    "from": JobFilter(since=Instant(1)),
    "from and to": JobFilter(since=Instant(1), until=Instant(9)),
    "status, from and to": JobFilter(status=JobStatus.FAILED, since=Instant(1), until=Instant(9)),
    "everything": JobFilter(
        tenant_id="acme",
        status=JobStatus.FAILED,
        robot_id="alpha",
        workflow_id="w",
        queue="payroll",
        reason=Reason.TIMEOUT,
        fingerprint="f",
        prefix="job-0",
        since=Instant(1),
        until=Instant(9),
    ),
    "to cancel": JobFilter(status=JobStatus.RUNNING, to_cancel=True),
    "to retry": JobFilter(status=JobStatus.FAILED, to_retry=True),
}


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    """An empty database with the current schema."""
    path = tmp_path / "casare.db"
    migrate(path)
    return sqlite3.connect(path)


def plans(connection: sqlite3.Connection, wanted: JobFilter, before: tuple[Instant, str] | None) -> list[str]:
    """The query plan of each statement of a list."""
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    job_filters.newest(connection, wanted, 50, before)
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


async def test_many_workflows_are_read_in_index_order(store: Store, tmp_path: Path) -> None:
    await add(store, *(a_job(workflow_id=f"inv-{n}") for n in range(job_filters.PREFIXED_WORKFLOWS + 1)))
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
