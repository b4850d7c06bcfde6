"""Runs of robots over time: the last attempt of each job. Portable."""

from casare_rpa.domain.instants import Instant, after
from casare_rpa.domain.job import Reason
from casare_rpa.domain.statistics import RobotRun
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.storage.held_conditions import HELD
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement

LATEST_END_SECONDS = 24 * 3600
"""Time after the range until which ends are read. It bounds the read of a range that is long ago."""
_COLUMNS = "job_id, robot_id, workflow_id, attempt, status, reason, started_at, finished_at"
_ENDED = Statement(
    f"""
SELECT {_COLUMNS} FROM jobs [INDEXED BY jobs_ended]
WHERE finished_at >= :since AND finished_at <= :latest AND started_at < :until AND robot_id IS NOT NULL
AND ([+]tenant_id = :tenant_id OR :tenant_id IS NULL)
ORDER BY finished_at DESC, job_id DESC LIMIT :most
"""  # noqa: S608 - our own names
)
_OPEN = Statement(
    f"""
SELECT {_COLUMNS} FROM jobs [INDEXED BY jobs_held]
WHERE {HELD} AND started_at < :until
AND ([+]tenant_id = :tenant_id OR :tenant_id IS NULL) LIMIT :most
"""  # noqa: S608 - our own names
)


def runs(
    connection: SqlConnection, tenant_id: str | None, since: Instant, until: Instant, limit: int
) -> list[RobotRun]:
    """Runs between two instants: up to `limit` open ones, then up to `limit` ended ones, newest first."""
    common = {"until": until, "tenant_id": tenant_id, "most": limit}
    latest = after(until, LATEST_END_SECONDS)
    found = [*_OPEN.run(connection, **common), *_ENDED.run(connection, **common, since=since, latest=latest)]
    return [_run(*row) for row in found]


def _run(
    job_id: str,
    robot_id: str,
    workflow_id: str,
    attempt: int,
    status: str,
    reason: str | None,
    started_at: int,
    finished_at: int | None,
) -> RobotRun:
    why = None if reason is None else Reason(reason)
    ended = None if finished_at is None else Instant(finished_at)
    return RobotRun(job_id, robot_id, workflow_id, attempt, JobStatus(status), why, Instant(started_at), ended)
