"""Retention: counts and deletes, oldest first, a bounded number per call. Portable.

Each dialect deletes jobs with statements of its own, together with their history, log lines and idempotency key. A job
that has not ended is never deleted.
"""

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.infrastructure.orchestrator.storage.decisions import MINUTE
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement

_ENDED = Statement(
    """
SELECT job_id FROM jobs [INDEXED BY jobs_ended]
WHERE finished_at IS NOT NULL AND finished_at < :before ORDER BY finished_at LIMIT :most
"""
)
# Ids rise with time, so the oldest rows come first; the walk ends at the first row that is young enough. The newest row
# is never deleted: its id must not be assigned again.
_OLDEST = {
    RetainedKind.LOGS: Statement("SELECT log_id, received_at FROM job_logs ORDER BY log_id LIMIT :most"),
    RetainedKind.AUDIT: Statement("SELECT audit_id, at FROM audit ORDER BY audit_id LIMIT :most"),
}
_DELETE_AUDIT = Statement("DELETE FROM audit WHERE audit_id <= :last AND audit_id < (SELECT max(audit_id) FROM audit)")
_COUNTS = {
    RetainedKind.JOBS: Statement("SELECT count(*) FROM jobs [INDEXED BY jobs_ended] WHERE finished_at IS NOT NULL"),
    RetainedKind.LOGS: Statement("SELECT count(*) FROM job_logs"),
    RetainedKind.AUDIT: Statement("SELECT count(*) FROM audit"),
}
# `delete_oldest` ends at the first row that is young enough, and keeps the newest row.
_OLDER = {
    RetainedKind.JOBS: Statement(
        "SELECT count(*) FROM jobs [INDEXED BY jobs_ended] WHERE finished_at IS NOT NULL AND finished_at < :before"
    ),
    RetainedKind.LOGS: Statement(
        "SELECT count(*) FROM job_logs WHERE log_id < coalesce((SELECT log_id FROM job_logs "
        "WHERE received_at >= :before ORDER BY log_id LIMIT 1), (SELECT max(log_id) FROM job_logs))"
    ),
    RetainedKind.AUDIT: Statement(
        "SELECT count(*) FROM audit WHERE audit_id < coalesce((SELECT audit_id FROM audit "
        "WHERE at >= :before ORDER BY audit_id LIMIT 1), (SELECT max(audit_id) FROM audit))"
    ),
}
_LOG_VOLUMES = Statement("SELECT robot_id, bytes FROM log_volumes WHERE bytes > 0")
# Open jobs are tallied under minute 0.
_OLD_TALLIES = Statement("DELETE FROM tallies WHERE minute > 0 AND minute < :minute")
_OLD_SAMPLES = Statement("DELETE FROM queue_samples WHERE at < :before")


def count(connection: SqlConnection, kept: RetainedKind) -> int:
    """The number of rows that retention could delete; takes time in proportion to it."""
    return int(_COUNTS[kept].run(connection).fetchone()[0])


def count_older(connection: SqlConnection, kept: RetainedKind, before: Instant) -> int:
    """The number of rows that are older than `before`, and may be deleted."""
    return int(_OLDER[kept].run(connection, before=before).fetchone()[0])


def log_volumes(connection: SqlConnection) -> dict[str, int]:
    """The stored bytes of each robot that has lines."""
    return dict(_LOG_VOLUMES.run(connection))


def ended_jobs(connection: SqlConnection, before: Instant, limit: int) -> list[str]:
    """The ids of up to `limit` jobs that ended before that instant, oldest end first."""
    return [row[0] for row in _ENDED.run(connection, before=before, most=limit)]


def last_expired(connection: SqlConnection, kept: RetainedKind, before: Instant, limit: int) -> int | None:
    """The id of the last of up to `limit` oldest log lines or audit entries older than `before`; `None` without one."""
    last: int | None = None
    for identity, at in _OLDEST[kept].run(connection, most=limit):
        if at >= before:
            break
        last = identity
    return last


def delete_audit(connection: SqlConnection, before: Instant, limit: int) -> int:
    """Delete up to `limit` of the oldest audit entries that are older than `before`; returns their number."""
    last = last_expired(connection, RetainedKind.AUDIT, before, limit)
    return _DELETE_AUDIT.run(connection, last=last).rowcount if last is not None else 0


def delete_tallies(connection: SqlConnection, before: Instant) -> None:
    """Delete counts of ends, and samples of queues, from before that instant."""
    _OLD_TALLIES.run(connection, minute=before // MINUTE)
    _OLD_SAMPLES.run(connection, before=before)
