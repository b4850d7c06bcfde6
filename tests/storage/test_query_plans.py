"""The queries of the dashboard use indexes: no table is scanned."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from casare_rpa.domain.failure_groups import FailureSpan, GroupKey
from casare_rpa.domain.job_records import JobFilter
from casare_rpa.infrastructure.orchestrator.storage.cold import (
    audit_rows,
    failure_note_rows,
    failure_rows,
    job_filters,
    run_rows,
    statistics_rows,
)
from new_database import new_database
from storage.values import START, at

END = at(7 * 24 * 3600)
SPAN = FailureSpan(START, END, END)
GROUP = GroupKey("acme", "f")
Asked = Callable[[sqlite3.Connection], Any]

IN_ORDER: dict[str, Asked] = {
    "workflows": lambda c: statistics_rows.last_of_workflows(c, None, 5),
    "workflows of a tenant": lambda c: statistics_rows.last_of_workflows(c, "acme", 5),
    "samples": lambda c: statistics_rows.samples(c, START),
    "troubled": lambda c: statistics_rows.troubled(c, None, START, 5),
    "troubled of a tenant": lambda c: statistics_rows.troubled(c, "acme", START, 5),
    "runs": lambda c: run_rows.runs(c, None, START, END, 5),
    "runs of a tenant": lambda c: run_rows.runs(c, "acme", START, END, 5),
    "last audit entry": lambda c: audit_rows.last_id(c),
    "audit": lambda c: audit_rows.newest(c, None, (), 5, None),
    "audit of a target": lambda c: audit_rows.newest(c, "alpha", (), 5, 7),
    "audit of an action": lambda c: audit_rows.newest(c, None, ("cancel_job",), 5, 7),
    "audit of a range": lambda c: audit_rows.newest(c, None, (), 5, None, START, END),
    "audit of a target in a range": lambda c: audit_rows.newest(c, "alpha", ("cancel_job",), 5, 7, START, END),
    "audit of both": lambda c: audit_rows.newest(c, "alpha", ("cancel_job", "retry_job"), 5, 7),
}
SUMMED: dict[str, Asked] = {
    "ends": lambda c: statistics_rows.ended(c, None, START),
    "ends of a tenant": lambda c: statistics_rows.ended(c, "acme", START),
    "ends of a week": lambda c: statistics_rows.ended(c, None, START, END, 180),
    "samples of a week": lambda c: statistics_rows.samples(c, START, END, 180),
    "failures": lambda c: failure_rows.failures(c, None, SPAN, 5, 10_000),
    "failures of a tenant": lambda c: failure_rows.failures(c, "acme", SPAN, 5, 10_000, muted=False),
    "one group of failures": lambda c: failure_rows.group(c, GROUP, SPAN, 10_000),
    "newest failure of a group": lambda c: job_filters.listed(c, JobFilter("acme", fingerprint="f"), 1, None),
    "unused notes": lambda c: failure_note_rows.delete_unused(c, START),
    "oldest": lambda c: statistics_rows.oldest_pending(c, None, 10_000),
    "oldest of a tenant": lambda c: statistics_rows.oldest_pending(c, "acme", 10_000),
}
GROWING = ("jobs", "tallies", "queue_samples", "audit")
"""Tables with a row for each job, minute or command."""


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A database with one failed job, so that statements per workflow and per group of failures are executed."""
    opened = sqlite3.connect(new_database(tmp_path))
    columns = [row[1:4] for row in opened.execute("PRAGMA table_info(jobs)") if row[3]]
    given = {
        "job_id": "job-1",
        "workflow_id": "w",
        "tenant_id": "acme",
        "parameters": "{}",
        "tags": "[]",
        "former_robots": "[]",
    }
    values = [given.get(name, "pending" if kind == "TEXT" else 1) for name, kind, _ in columns]
    names = ", ".join(name for name, _, _ in columns)
    opened.execute(f"INSERT INTO jobs ({names}) VALUES ({', '.join('?' * len(values))})", values)
    opened.execute("UPDATE jobs SET fingerprint = 'f', finished_at = ?", (START,))
    yield opened
    opened.close()


def plan(connection: sqlite3.Connection, asked: Asked) -> list[str]:
    """The query plan of each statement of a call."""
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    asked(connection)
    connection.set_trace_callback(None)
    assert statements
    return [row[3] for sql in statements for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]


def scanned(steps: list[str]) -> list[str]:
    """The steps that scan a growing table, except in the order of an index or of its rows."""
    return [step for step in steps for table in GROWING if step == f"SCAN {table}"]


@pytest.mark.parametrize("asked", IN_ORDER.values(), ids=IN_ORDER.keys())
def test_list_is_read_in_index_order(connection: sqlite3.Connection, asked: Asked) -> None:
    steps = plan(connection, asked)
    assert not [step for step in steps if "TEMP B-TREE FOR ORDER BY" in step], steps
    assert any(table in step.split() for step in steps for table in GROWING)
    assert scanned(steps) == []


@pytest.mark.parametrize("asked", SUMMED.values(), ids=SUMMED.keys())
def test_sum_does_not_scan_a_table(connection: sqlite3.Connection, asked: Asked) -> None:
    steps = plan(connection, asked)
    assert any(table in step.split() for step in steps for table in GROWING)
    assert scanned(steps) == [], steps


def test_table_scan_is_detected(connection: sqlite3.Connection) -> None:
    steps = plan(connection, lambda c: c.execute("SELECT * FROM jobs WHERE attempt = 7 ORDER BY progress").fetchall())
    assert scanned(steps) == ["SCAN jobs"]
    assert "USE TEMP B-TREE FOR ORDER BY" in steps
