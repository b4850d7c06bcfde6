"""Statements over a list of ids, which SQLite takes as one JSON parameter."""

import sqlite3
from collections.abc import Sequence

from casare_rpa.domain.credentials import LoginSession
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.logs import StoredLine
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.infrastructure.orchestrator.storage.cold import login_rows, retention_rows
from casare_rpa.infrastructure.orchestrator.storage.cold.log_rows import LINE_COLUMNS, stored_line
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter
from casare_rpa.infrastructure.orchestrator.storage.rows import JOB_SELECT, job_of
from casare_rpa.infrastructure.orchestrator.storage.sqlite import log_volumes, numbers

_JOBS = f"SELECT {JOB_SELECT} FROM jobs WHERE job_id IN (SELECT value FROM json_each(?))"  # noqa: S608 - our own names
_LINES = f"SELECT {LINE_COLUMNS} FROM job_logs WHERE log_id IN (SELECT value FROM json_each(?)) ORDER BY log_id"  # noqa: S608
_LOGINS = "SELECT * FROM sessions WHERE login_id IN (SELECT value FROM json_each(?))"
_VALID_KEYS = "SELECT key_id FROM robot_keys WHERE key_id IN (SELECT value FROM json_each(?)) AND revoked_at IS NULL"
_SPENT = "SELECT ticket_id FROM spent_tickets WHERE ticket_id IN (SELECT value FROM json_each(?))"
_JOB_IN_LIST = "job_id IN (SELECT value FROM json_each(?))"
_OF_JOBS = f"WHERE {_JOB_IN_LIST}"
_DELETE_JOBS = (
    f"DELETE FROM job_events {_OF_JOBS}",  # noqa: S608
    f"DELETE FROM job_steps {_OF_JOBS}",  # noqa: S608
    f"DELETE FROM job_step_totals {_OF_JOBS}",  # noqa: S608
    f"DELETE FROM idempotency_keys {_OF_JOBS}",  # noqa: S608
    f"DELETE FROM jobs {_OF_JOBS}",  # noqa: S608
)


def jobs_by_id(connection: sqlite3.Connection, job_ids: Sequence[str]) -> dict[str, Job]:
    """The jobs that exist, by id."""
    return {job.job_id: job for job in map(job_of, connection.execute(_JOBS, (json_parameter(job_ids),)))}


def lines_by_id(connection: sqlite3.Connection, log_ids: Sequence[int]) -> list[StoredLine]:
    """The lines that exist, by id."""
    return [stored_line(row) for row in connection.execute(_LINES, (json_parameter(log_ids),))]


def logins_by_id(connection: sqlite3.Connection, login_ids: Sequence[str]) -> list[LoginSession]:
    """The login sessions that exist, ended ones included."""
    return [login_rows.login_of(row) for row in connection.execute(_LOGINS, (json_parameter(login_ids),))]


def valid_keys(connection: sqlite3.Connection, key_ids: Sequence[str]) -> set[str]:
    """The ids of those robot keys that exist and are not revoked."""
    return {row[0] for row in connection.execute(_VALID_KEYS, (json_parameter(key_ids),))}


def spent_tickets(connection: sqlite3.Connection, ticket_ids: Sequence[str]) -> set[str]:
    """The ids of those tickets that were used."""
    return {row[0] for row in connection.execute(_SPENT, (json_parameter(ticket_ids),))}


def delete_oldest(connection: sqlite3.Connection, kept: RetainedKind, before: Instant, limit: int) -> int:
    """Delete up to `limit` of the oldest rows of a kind that are older than `before`; returns their number."""
    if kept is RetainedKind.AUDIT:
        return retention_rows.delete_audit(connection, before, limit)
    if kept is RetainedKind.LOGS:
        last = retention_rows.last_expired(connection, kept, before, limit)
        return 0 if last is None else log_volumes.delete_lines(connection, "log_id <= ?", (last,))
    ids = retention_rows.ended_jobs(connection, before, limit)
    if ids:
        numbers.note_deleted(connection, ids)
        log_volumes.delete_lines(connection, _JOB_IN_LIST, (json_parameter(ids),))
    for statement in _DELETE_JOBS if ids else ():
        connection.execute(statement, (json_parameter(ids),))
    return len(ids)
