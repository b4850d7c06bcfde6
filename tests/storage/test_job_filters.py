"""Lists of jobs walk an index, whatever is asked: nothing is scanned, nothing is sorted."""

import sqlite3
from pathlib import Path

import pytest

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Reason
from casare_rpa.domain.protocol import JobStatus
from casare_rpa.infrastructure.orchestrator.ports import JobFilter
from casare_rpa.infrastructure.orchestrator.storage import job_filters
from casare_rpa.infrastructure.orchestrator.storage.migrate import migrate

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
    "to cancel": JobFilter(status=JobStatus.RUNNING, to_cancel=True),
    "to retry": JobFilter(status=JobStatus.FAILED, to_retry=True),
}


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    """An empty database of ours."""
    path = tmp_path / "casare.db"
    migrate(path)
    return sqlite3.connect(path)


def plans(connection: sqlite3.Connection, wanted: JobFilter, before: tuple[Instant, str] | None) -> list[str]:
    """How SQLite answers each statement of a list."""
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    job_filters.newest(connection, wanted, 50, before)
    connection.set_trace_callback(None)
    return [row[3] for sql in asked for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]


@pytest.mark.parametrize("before", [None, (Instant(5), "job-5")], ids=["first page", "next page"])
@pytest.mark.parametrize("wanted", ASKED.values(), ids=ASKED.keys())
def test_list_walks_an_index_in_its_order(
    connection: sqlite3.Connection, wanted: JobFilter, before: tuple[Instant, str] | None
) -> None:
    found = plans(connection, wanted, before)
    assert found
    for step in found:
        assert "USING" in step or step.startswith("CORRELATED"), step  # whose own step follows
        assert "TEMP B-TREE" not in step, step


def test_prefix_of_a_workflow_steps_from_name_to_name(connection: sqlite3.Connection) -> None:
    found = [step for step in plans(connection, JobFilter(prefix="inv"), None) if " jobs " in f"{step} "]
    assert found
    assert all("jobs_newest_by_workflow_id" in step for step in found)
