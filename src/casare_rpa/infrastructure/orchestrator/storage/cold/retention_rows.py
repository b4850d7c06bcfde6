"""Cold statements that let go of the old: oldest first, a few at a time, so that nobody waits for them.

A job goes with its history, its log lines and its idempotency key. What has not ended never goes.
"""

import sqlite3

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.infrastructure.orchestrator.storage.decisions import MINUTE
from casare_rpa.infrastructure.orchestrator.storage.rows import json_parameter

ENDED = """
SELECT job_id FROM jobs INDEXED BY jobs_ended
WHERE finished_at IS NOT NULL AND finished_at < ? ORDER BY finished_at LIMIT ?
"""
WITH_A_JOB = {
    "job_events": "",
    "job_logs": " AND log_id < (SELECT max(log_id) FROM job_logs)",  # the newest id must not be given again
    "idempotency_keys": "",
    "jobs": "",
}
# Ids go up with time, so the oldest lines are the first ones; the walk ends at the first that is young enough.
OLDEST_LINES = "SELECT log_id, received_at FROM job_logs ORDER BY log_id LIMIT ?"
OLDEST_AUDIT = "SELECT audit_id, at FROM audit ORDER BY audit_id LIMIT ?"
COUNTS = {
    RetainedKind.JOBS: "SELECT count(*) FROM jobs INDEXED BY jobs_ended WHERE finished_at IS NOT NULL",
    RetainedKind.LOGS: "SELECT count(*) FROM job_logs",
    RetainedKind.AUDIT: "SELECT count(*) FROM audit",
}


def count(connection: sqlite3.Connection, kept: RetainedKind) -> int:
    """How many there are that could go."""
    return int(connection.execute(COUNTS[kept]).fetchone()[0])


def forget(connection: sqlite3.Connection, kept: RetainedKind, before: Instant, limit: int) -> int:
    """Delete up to `limit` of the oldest that are older than `before`; answers how many went."""
    match kept:
        case RetainedKind.JOBS:
            return _forget_jobs(connection, before, limit)
        case RetainedKind.LOGS:
            return _forget_first(connection, "job_logs", "log_id", OLDEST_LINES, before, limit)
        case RetainedKind.AUDIT:
            return _forget_first(connection, "audit", "audit_id", OLDEST_AUDIT, before, limit)


def forget_tallies(connection: sqlite3.Connection, before: Instant) -> None:
    """The counts of ends that nobody asks for any more; those of open jobs stand under minute 0."""
    connection.execute("DELETE FROM tallies WHERE minute > 0 AND minute < ?", (before // MINUTE,))
    connection.execute("DELETE FROM queue_samples WHERE at < ?", (before,))


def _forget_jobs(connection: sqlite3.Connection, before: Instant, limit: int) -> int:
    ids = [row[0] for row in connection.execute(ENDED, (before, limit))]
    for table, but in WITH_A_JOB.items() if ids else ():
        connection.execute(
            f"DELETE FROM {table} WHERE job_id IN (SELECT value FROM json_each(?)){but}",  # noqa: S608 - our own names
            (json_parameter(ids),),
        )
    return len(ids)


def _forget_first(
    connection: sqlite3.Connection, table: str, key: str, oldest: str, before: Instant, limit: int
) -> int:
    last = None
    for identity, at in connection.execute(oldest, (limit,)):
        if at >= before:
            break
        last = identity
    gone = 0
    if last is not None:
        sql = f"DELETE FROM {table} WHERE {key} <= ? AND {key} < (SELECT max({key}) FROM {table})"  # noqa: S608
        gone = connection.execute(sql, (last,)).rowcount
    return gone
