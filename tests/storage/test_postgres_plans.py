"""On PostgreSQL, portable statements and retention scan no large table.

They are prepared and run while every table is empty. Their plans are looked at with 100,000 rows in each table.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import msgspec
import pytest

from casare_rpa.domain.job_records import JobFilter, JobOrder
from casare_rpa.domain.logs import Level, LogFilter
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.storage.cold import (
    clock_rows,
    copied_rows,
    job_filters,
    job_rows,
    log_rows,
    queue_rows,
    retention_rows,
    step_rows,
)
from casare_rpa.infrastructure.orchestrator.storage.postgres import retention
from casare_rpa.infrastructure.orchestrator.storage.postgres.cold_connection import ColdConnection, ThreadConnection
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import COLD, Target
from casare_rpa.infrastructure.orchestrator.storage.schema import jobs
from casare_rpa.infrastructure.orchestrator.storage.statements import POSTGRESQL
from postgres_server import DEBIAN, NEWEST, PostgresServer, running
from storage.postgres_database import empty_database
from storage.test_query_plans import IN_ORDER, SUMMED
from storage.values import START, a_job, at

pytestmark = pytest.mark.slow

ROWS = 100_000
LARGE = {"jobs", "job_events", "job_logs"}
Asked = Callable[[Any], Any]
FILTERS = {
    "all": JobFilter(),
    "tenant": JobFilter(tenant_id="acme"),
    "status": JobFilter(statuses=(JobStatus.PENDING, JobStatus.FAILED)),
    "robot": JobFilter(robot_id="robot-7"),
    "workflow": JobFilter(workflow_id="w-7"),
    "queue": JobFilter(queue="q-3", tenant_id="acme"),
    "prefix of workflows": JobFilter(prefix="w-"),
    "prefix of ids": JobFilter(prefix="job-0000"),
    "range": JobFilter(since=at(10), until=at(20)),
    "group": JobFilter("acme", fingerprint="f-1"),
    "to retry": JobFilter(statuses=(JobStatus.FAILED,), to_retry=True),
    "to cancel": JobFilter(statuses=(JobStatus.PENDING,), to_cancel=True),
}
CALLS: dict[str, Asked] = {
    **IN_ORDER,
    **SUMMED,
    **{f"jobs by {name}": lambda c, w=wanted: job_filters.listed(c, w, 50, None) for name, wanted in FILTERS.items()},
    **{
        f"next jobs by {name}": lambda c, w=wanted: job_filters.listed(c, w, 50, (at(50), "job-0"))
        for name, wanted in FILTERS.items()
    },
    **{
        f"jobs in the order {order.value}": lambda c, o=order: job_filters.listed(c, JobFilter("acme"), 50, None, o)
        for order in JobOrder
    },
    "counted jobs": lambda c: job_filters.count(c, JobFilter("acme", statuses=(JobStatus.FAILED,)), 1_000),
    "job": lambda c: job_rows.find(c, "job-00000007"),
    "open jobs": lambda c: job_rows.open_jobs(c, "acme", 50, "job-00000007"),
    "held jobs": lambda c: job_rows.held_by(c, "robot-7"),
    "history": lambda c: job_rows.history(c, "job-00000007", 50, 0),
    "counts": lambda c: job_rows.counts(c, None, START),
    "due jobs": lambda c: job_rows.due(c, START, 50, "here"),
    "longer leases": lambda c: job_rows.extend_leases(c, START, None),
    "longer leases of an instance": lambda c: job_rows.extend_leases(c, START, "here"),
    "depths": lambda c: queue_rows.depths(c, None),
    "position": lambda c: queue_rows.position(c, a_job()),
    "waiting jobs": lambda c: queue_rows.waiting(c, 20, 20, "acme"),
    "log of a job": lambda c: log_rows.of_job(c, "job-00000007", 50, 0),
    "last lines": lambda c: log_rows.recent(c, LogFilter(min_level=Level.ERROR), 50, 0),
    "last lines of a robot": lambda c: log_rows.recent(c, LogFilter(robot_id="robot-7"), 50, 0),
    "lines after one": lambda c: log_rows.lines_after(c, 7, 50),
    "steps": lambda c: step_rows.of_attempt(c, "job-00000007", 1, 0),
    "newest instant": clock_rows.newest_instant,
    "number of ended jobs": lambda c: retention_rows.count(c, RetainedKind.JOBS),
    "deleted jobs": lambda c: retention.delete_expired_rows(c, RetainedKind.JOBS, START, 500),
    "deleted lines": lambda c: retention.delete_expired_rows(c, RetainedKind.LOGS, START, 500),
    "deleted entries": lambda c: retention.delete_expired_rows(c, RetainedKind.AUDIT, START, 500),
    "deleted lines of a robot": lambda c: retention.delete_lines_of_robot(c, "robot-7", 500),
    "page of a copy": lambda c: next(copied_rows.pages(c, jobs, ("job-00000007",)), None),
}


class Recording:
    """Runs statements, and records them."""

    dialect = POSTGRESQL

    def __init__(self, connection: ColdConnection) -> None:
        self.connection = connection
        self.statements: list[tuple[str, Sequence[Any]]] = []

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:
        self.statements.append((sql, parameters))
        return self.connection.execute(sql, parameters)


def filling() -> list[str]:
    """Statements that add rows: each seventh job failed, each third is pending and ready, the others are completed."""
    known = {
        "job_id": "'job-' || lpad(n::text, 8, '0')",
        "tenant_id": "CASE WHEN n % 2 = 0 THEN 'acme' ELSE 'default' END",
        "workflow_id": "'w-' || n % 200",
        "queue": "'q-' || n % 5",
        "status": "CASE WHEN n % 3 = 0 THEN 'pending' WHEN n % 7 = 0 THEN 'failed' ELSE 'completed' END",
        "robot_id": "CASE WHEN n % 3 > 0 THEN 'robot-' || n % 50 END",
        "finished_at": f"CASE WHEN n % 3 > 0 THEN {START} + n * 1000000::bigint END",
        "submitted_at": f"{START} + n * 1000000::bigint",
        "fingerprint": "CASE WHEN n % 3 > 0 AND n % 7 = 0 THEN 'f-' || n % 20 END",
        "placement": "'[\"acme\",' || n % 10 || ']'",
        "ready": "CASE WHEN n % 3 = 0 THEN 1 ELSE 0 END",
        "parameters": "'{}'",
        "tags": "'[]'",
        "former_robots": "'[]'",
    }
    columns = [column for column in jobs.columns if column.name in known or not column.nullable]
    texts = {int: "1", float: "0", str: "''"}
    values = [known.get(column.name, texts[column.type.python_type]) for column in columns]
    names = ", ".join(f'"{column.name}"' for column in columns)
    rows = f"FROM generate_series(1, {ROWS}) AS n"
    events = "job_id, at, number, kind, status, attempt, tenant_id, seq, tenant_seq"
    lines = "log_id, tenant_id, robot_id, level, message, logged_at, received_at, job_id, truncated"
    job = known["job_id"]
    return [
        f"INSERT INTO jobs ({names}) SELECT {', '.join(values)} {rows}",
        f"INSERT INTO job_events ({events}) SELECT {job}, n, 'T1', 'submitted', 'pending', 0, 'acme', n, n {rows}",
        f"INSERT INTO job_logs ({lines}) SELECT n, 'acme', 'robot-' || n % 50, 'INFO', 'line', n, n, {job}, 0 {rows}",
    ]


@pytest.fixture(scope="module", params=[DEBIAN, pytest.param(NEWEST, marks=pytest.mark.long)])
def recorded(request: pytest.FixtureRequest) -> Iterator[tuple[ColdConnection, dict[str, list[Any]]]]:
    """A connection to the large tables, and the statements of each call."""
    url = empty_database(request.param)
    thread = ThreadConnection(Target(url), COLD)
    with closing(thread):
        yield _recorded(thread.open(5.0), running(request.param), url.rpartition("/")[2])
    empty_database(request.param)


def _recorded(
    connection: ColdConnection, server: PostgresServer, database: str
) -> tuple[ColdConnection, dict[str, list[Any]]]:
    statements: dict[str, list[Any]] = {}
    for name, asked in CALLS.items():
        recording = Recording(connection)
        asked(recording)
        statements[name] = recording.statements
    for sql in filling():
        server.run_sql(sql, database)
    # Some statements depend on the rows of earlier ones.
    for name, asked in CALLS.items():
        recording = Recording(connection)
        connection.execute("BEGIN")
        asked(recording)
        connection.execute("ROLLBACK")
        statements[name] += recording.statements
    return connection, statements


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def scans(connection: ColdConnection, sql: str, parameters: Sequence[Any]) -> set[str]:
    """The large tables that a plan scans."""
    text = connection.execute(f"EXPLAIN (FORMAT JSON) {sql}", parameters).fetchone()[0]
    plan = msgspec.json.decode(text)[0]["Plan"]
    return {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"} & LARGE


def test_no_large_table_is_scanned(recorded: tuple[ColdConnection, dict[str, list[Any]]]) -> None:
    connection, statements = recorded
    found = {
        (name, *tables, sql)
        for name, calls in statements.items()
        for sql, parameters in calls
        if (tables := scans(connection, sql, parameters))
    }
    assert found == set()


def test_scan_is_detected(recorded: tuple[ColdConnection, dict[str, list[Any]]]) -> None:
    connection, _ = recorded
    assert scans(connection, "SELECT * FROM jobs WHERE attempt = $1", (7,)) == {"jobs"}
