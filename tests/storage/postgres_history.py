"""A PostgreSQL database with a history of any length: ended jobs with their entries, log lines and steps."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import count

from sqlalchemy import Table

from casare_rpa.domain.instants import Instant
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.migration import migrate_postgres
from casare_rpa.infrastructure.orchestrator.storage.schema import metadata
from postgres_server import running
from storage.values import MINUTE, SECOND, START

LONG, SHORT = 100_000, 1_000
"""Numbers of ended jobs. All other jobs, and all ids, are the same in each history."""
ROBOTS = 200
"""Each holds one job. All ended jobs were jobs of the first four."""
PENDING, BACKLOG = 1_000, 100_000
"""Numbers of pending jobs."""
NOW = Instant(START + 100_500 * SECOND)
_DEFAULTS = {int: "1", float: "0", str: "''"}
_numbers = count()


@cache
def _template(kind: str) -> str:
    """A migrated database in which no table is analyzed, except by a test."""
    name = f"history{next(_numbers)}"
    server = running(kind)
    url = server.new_database(name)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, migrate_postgres(Target(url))).result()
    server.run_sql("".join(f"ALTER TABLE {one} SET (autovacuum_enabled = false);" for one in metadata.tables), name)
    return name


def database_without_statistics(kind: str) -> str:
    """The name of a new database with empty tables. Only its user analyzes them."""
    name = f"history{next(_numbers)}"
    running(kind).new_database(name, _template(kind))
    return name


def _rows(table: str, number: int, known: dict[str, str]) -> str:
    """A statement that adds rows; in the expressions of their columns, `n` counts from 1."""
    described: Table = metadata.tables[table]
    columns = [
        column
        for column in described.columns
        if column.name in known or not (column.nullable or column.server_default or column.autoincrement is True)
    ]
    values = [known.get(column.name, _DEFAULTS[column.type.python_type]) for column in columns]
    names = ", ".join(f'"{column.name}"' for column in columns)
    return f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM generate_series(1, {number}) AS n"


def _jobs(number: int, known: dict[str, str]) -> str:
    fields = {
        "workflow_id": "'w-' || n % 200",
        "tenant_id": "CASE WHEN n % 2 = 0 THEN 'acme' ELSE 'default' END",
        "queue": "'q-' || n % 5",
        "parameters": "'{}'",
        "tags": "'[]'",
        "former_robots": "'[]'",
        "placement": """'["acme","q-' || n % 5 || '",null,[],"w-1"]'""",
        "ready": "0",
        "unconfirmed": "0",
    }
    return _rows("jobs", number, {**fields, **known})


def _after(instant: Instant, seconds: str) -> str:
    return f"{instant} + ({seconds}) * {SECOND}::bigint"


JOB_ID = "'job-' || lpad(n::text, 8, '0')"
ENDED_AT = _after(START, "n")


def filling_a_few_pages() -> str:
    """A statement that adds a few ended jobs. All other tables stay empty."""
    few = {"job_id": "'few-' || n", "status": "'completed'", "robot_id": "'robot-' || n % 4"}
    return _jobs(300, {**few, "submitted_at": ENDED_AT, "finished_at": ENDED_AT})


def filling(ended_jobs: int, pending_jobs: int = PENDING) -> list[str]:
    """Statements that fill all tables. Some of the jobs have a deadline that has passed, or a cancel."""
    return [*_filling_jobs(ended_jobs, pending_jobs), *_filling_history(ended_jobs), *_filling_fleet()]


DELETING = f"DELETE FROM jobs WHERE finished_at > {START + 1_000 * SECOND}"
"""Deletes most ended jobs of a long history."""


def _filling_jobs(ended_jobs: int, pending_jobs: int) -> list[str]:
    ended = {
        "job_id": JOB_ID,
        "status": "CASE WHEN n % 7 = 0 THEN 'failed' ELSE 'completed' END",
        "reason": "CASE WHEN n % 7 = 0 THEN 'error' END",
        "fingerprint": "CASE WHEN n % 7 = 0 THEN 'f-' || n % 20 END",
        "robot_id": "'robot-' || n % 4",
        "session_id": "'ses-robot-' || n % 4",
        "submitted_at": ENDED_AT,
        "started_at": ENDED_AT,
        "finished_at": ENDED_AT,
        "cancel_requested_at": f"CASE WHEN n % 10 = 0 THEN {ENDED_AT} END",
    }
    held = {
        "job_id": "'held-' || n",
        "status": "'running'",
        "robot_id": "'robot-' || n - 1",
        "session_id": "'ses-robot-' || n - 1",
        "submitted_at": _after(NOW, "n - 1000"),
        "started_at": _after(NOW, "n - 1000"),
        "lease_expires_at": _after(NOW, "n % 40"),
        "deadline_at": _after(NOW, "n % 40"),
        "cancel_requested_at": f"CASE WHEN n % 50 = 0 THEN {NOW}::bigint END",
        "grace_expires_at": f"CASE WHEN n % 50 = 0 THEN {NOW}::bigint END",
    }
    pending = {
        "job_id": "'wait-' || lpad(n::text, 8, '0')",
        "status": "'pending'",
        "submitted_at": _after(NOW, "n - 1000"),
        "rank": "n",
        "ready": "CASE WHEN n % 50 = 0 THEN 0 ELSE 1 END",
        "not_before": f"CASE WHEN n % 50 = 0 THEN {_after(NOW, 'n - 500')} END",
        "queue_expires_at": f"CASE WHEN n % 50 = 1 THEN {_after(NOW, 'n - 1000')} END",
    }
    return [_jobs(ended_jobs, ended), _jobs(ROBOTS, held), _jobs(pending_jobs, pending)]


def _filling_history(ended_jobs: int) -> list[str]:
    """Entries, log lines and all other rows that grow in number with jobs, minutes or acts of users."""
    events = {
        "job_id": "'job-' || lpad(((n + 1) / 2)::text, 8, '0')",
        "at": ENDED_AT,
        "number": "CASE WHEN n % 2 = 1 THEN 'T1' ELSE 'T7' END",
        "kind": "CASE WHEN n % 400 = 0 THEN 'cancel_requested' ELSE 'submitted' END",
        "status": "'pending'",
        "robot_id": "'robot-' || n % 4",
        "tenant_id": "'default'",
        "seq": "n",
        "tenant_seq": "n",
        "shown": "'[]'",
    }
    lines = {
        "log_id": "n",
        "tenant_id": "'default'",
        "robot_id": "'robot-' || n % 4",
        "job_id": JOB_ID,
        "level": "'INFO'",
        "message": "'line'",
        "received_at": ENDED_AT,
        "seq": "n",
    }
    tallies = {
        "tenant_id": "'default'",
        "status": "CASE WHEN n % 2 = 0 THEN 'failed' ELSE 'completed' END",
        "minute": f"{START // MINUTE} - n / 2",
        "queue": "'q-1'",
    }
    # Their numbers are given: the row that gives numbers gets slower with each number of one transaction.
    audit = {"audit_id": "n", "at": ENDED_AT, "action": "'cancel_job'", "target": JOB_ID, "note": "''"}
    return [
        _rows("job_events", 2 * ended_jobs, events),
        _rows("job_logs", ended_jobs, lines),
        _rows("job_steps", ended_jobs, {"job_id": JOB_ID, "status": "'passed'", "started_at": ENDED_AT}),
        _rows("job_step_totals", ended_jobs, {"job_id": JOB_ID}),
        _rows("idempotency_keys", ended_jobs, {"tenant_id": "'default'", "idempotency_key": JOB_ID, "job_id": JOB_ID}),
        _rows("audit", ended_jobs, audit),
        _rows("tallies", ended_jobs, tallies),
        _rows("tallies", 5, {"tenant_id": "'acme'", "status": "'pending'", "minute": "0", "queue": "'q-' || n - 1"}),
        _rows("queue_samples", ended_jobs, {"at": f"{START} - (n / 5) * {MINUTE}::bigint", "queue": "'q-' || n % 5"}),
        _rows("sessions", ended_jobs, {"login_id": "'login-' || n", "role": "'admin'", "expires_at": ENDED_AT}),
        _rows("spent_tickets", ended_jobs, {"ticket_id": "'ticket-' || n", "expires_at": ENDED_AT}),
        f"UPDATE numbers SET last = {2 * ended_jobs} WHERE name = 'jobs'",
        f"UPDATE numbers SET last = {ended_jobs} WHERE name IN ('logs', 'audit')",
        f"INSERT INTO numbers (name, last) VALUES ('jobs:default', {2 * ended_jobs})",
        f"SELECT setval(pg_get_serial_sequence('job_events', 'event_id'), {2 * ended_jobs})",
    ]


def _filling_fleet() -> list[str]:
    robots = {
        "robot_id": "'robot-' || n - 1",
        "tenant_id": "'default'",
        "tags": "'[]'",
        "last_seen_at": f"{NOW}::bigint",
    }
    sessions = {
        "robot_id": "'robot-' || n - 1",
        "instance": "CASE WHEN n % 2 = 0 THEN 'here' WHEN n = 1 THEN 'dead' ELSE 'there' END",
        "session_id": "'ses-robot-' || n - 1",
        "takeovers": "'[]'",
    }
    return [
        _rows("robots", ROBOTS, robots),
        _rows("robot_sessions", ROBOTS, sessions),
        _rows("log_volumes", ROBOTS, {"robot_id": "'robot-' || n - 1", "bytes": "1000000"}),
        _rows("robot_keys", 4 * ROBOTS, {"key_id": "'key-' || n", "robot_id": "'robot-' || n % 200"}),
        _rows("failure_notes", 20, {"tenant_id": "'default'", "fingerprint": "'f-' || n"}),
        f"INSERT INTO instances (instance, seen_at) VALUES ('here', {NOW}), ('there', {NOW})",
    ]
