"""Cold statements on what happened: ends by the minute, failures by their cause, samples of queues, the audit trail."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant
from casare_rpa.domain.job import DEFAULT_QUEUE, Job
from casare_rpa.domain.statistics import AuditEntry, Ended, FailureGroup, FailureGrouping, QueueSample
from casare_rpa.infrastructure.orchestrator.storage.cold import job_filters, job_rows
from casare_rpa.infrastructure.orchestrator.storage.cold.job_rows import TENANTS
from casare_rpa.infrastructure.orchestrator.storage.cold.queue_rows import DEPTHS
from casare_rpa.infrastructure.orchestrator.storage.decisions import MINUTE
from casare_rpa.infrastructure.orchestrator.storage.rows import JOB_SELECT, job_of, json_parameter
from casare_rpa.infrastructure.orchestrator.storage.sqlite.placements import LINES_ONLY, lines_of

ALL_NAMES = -1
# As the counts of a day: one range of the primary key for each tenant and status.
ENDED = f"""
{TENANTS},
    wanted (status) AS (VALUES ('completed'), ('failed'))
SELECT minute, sum(iif(tallies.status = 'completed', number, 0)), sum(iif(tallies.status = 'failed', number, 0))
FROM tenant CROSS JOIN wanted CROSS JOIN tallies
    ON tallies.tenant_id = tenant.tenant_id AND tallies.status = wanted.status AND tallies.minute >= :since
GROUP BY minute ORDER BY minute
"""  # noqa: S608
# A bare column beside max() alone is that of the row that holds it; beside min() as well it would be anybody's.
FAILURES = """
WITH seen AS MATERIALIZED (
    SELECT fingerprint, finished_at, job_id FROM jobs INDEXED BY jobs_failures
    WHERE fingerprint IS NOT NULL AND finished_at >= :since AND (:tenant_id IS NULL OR tenant_id = :tenant_id)
    ORDER BY finished_at DESC LIMIT :jobs + 1
),
looked_at AS MATERIALIZED (SELECT * FROM seen LIMIT :jobs),
newest AS (
    SELECT fingerprint, count(*) AS number, max(finished_at) AS last_at, job_id FROM looked_at GROUP BY fingerprint
),
oldest AS (SELECT fingerprint, min(finished_at) AS first_at FROM looked_at GROUP BY fingerprint)
SELECT fingerprint, number, first_at, last_at, job_id, (SELECT count(*) FROM seen)
FROM newest JOIN oldest USING (fingerprint) ORDER BY number DESC, last_at DESC, fingerprint LIMIT :most
"""
BY_ID = f"SELECT {JOB_SELECT} FROM jobs WHERE job_id IN (SELECT value FROM json_each(?))"  # noqa: S608
# Jobs that could go now: of those submitted first, and, so that no queue goes unseen behind a crowd, the first of
# every line. One that was delayed has waited since its time came.
SUBMITTED_FIRST = """
SELECT tenant_id, queue, since, job_id FROM (
    SELECT tenant_id, queue, max(submitted_at, coalesce(not_before, 0)) AS since, job_id, ready
    FROM jobs INDEXED BY jobs_newest_by_status
    WHERE status = 'pending' ORDER BY submitted_at, job_id LIMIT :jobs
) WHERE ready = 1
"""
FIRST_OF_LINES = """
SELECT tenant_id, queue, max(submitted_at, coalesce(not_before, 0)) AS since, job_id
FROM line CROSS JOIN jobs ON jobs.job_id = (
    SELECT job_id FROM jobs INDEXED BY jobs_ready
    WHERE ready = 1 AND placement = line.placement ORDER BY rank, job_id LIMIT 1
)
"""
OLDEST = f"SELECT job_id FROM ({SUBMITTED_FIRST}) WHERE :tenant_id IS NULL OR tenant_id = :tenant_id LIMIT 1"  # noqa: S608
OLDEST_OF_LINES = f"{LINES_ONLY} SELECT job_id FROM ({FIRST_OF_LINES}) ORDER BY since, job_id LIMIT 1"  # noqa: S608
FIRST_OF_QUEUES = f"""
{LINES_ONLY}
SELECT queue, min(since) FROM (SELECT * FROM ({SUBMITTED_FIRST}) UNION ALL SELECT * FROM ({FIRST_OF_LINES}))
GROUP BY queue
"""  # noqa: S608
TROUBLED = f"""
SELECT * FROM (
    SELECT {JOB_SELECT} FROM jobs INDEXED BY jobs_unconfirmed
    WHERE unconfirmed = 1 AND finished_at >= :since AND (:tenant_id IS NULL OR +tenant_id = :tenant_id)
    ORDER BY finished_at DESC LIMIT :most
)
UNION ALL SELECT * FROM (
    SELECT {JOB_SELECT} FROM jobs INDEXED BY jobs_held
    WHERE finished_at IS NULL AND robot_id IS NOT NULL AND contact_lost_at IS NOT NULL AND status <> 'pending'
    AND (:tenant_id IS NULL OR +tenant_id = :tenant_id) LIMIT :most
)
"""  # noqa: S608


def ended(connection: sqlite3.Connection, tenant_id: str | None, since: Instant) -> list[Ended]:
    rows = connection.execute(ENDED, {"since": since // MINUTE, "tenant_id": tenant_id})
    return [Ended(*row) for row in rows]


def failures(
    connection: sqlite3.Connection, tenant_id: str | None, since: Instant, limit: int, jobs: int
) -> FailureGrouping:
    """At most `limit` groups of the newest `jobs` failures."""
    parameters = {"since": since, "tenant_id": tenant_id, "most": limit, "jobs": jobs}
    rows = connection.execute(FAILURES, parameters).fetchall()
    last = {job.job_id: job for job in map(job_of, connection.execute(BY_ID, (json_parameter([r[4] for r in rows]),)))}
    groups = [
        FailureGroup(fingerprint, number, Instant(first), Instant(newest), last[job_id])
        for fingerprint, number, first, newest, job_id, _ in rows
    ]
    seen = rows[0][5] if rows else 0
    return FailureGrouping(groups, min(seen, jobs), seen > jobs)


def last_of_workflows(connection: sqlite3.Connection, tenant_id: str | None, limit: int) -> list[Job]:
    """Of all names, as far as it takes: those of other tenants may come before."""
    found: list[Job] = []
    for name in job_filters.workflows(connection, "", limit if tenant_id is None else ALL_NAMES):
        sql = (
            f"SELECT {JOB_SELECT} FROM jobs INDEXED BY jobs_newest_by_workflow_id "  # noqa: S608 - our own names
            "WHERE workflow_id = ? AND (? IS NULL OR +tenant_id = ?) ORDER BY submitted_at DESC, job_id DESC LIMIT 1"
        )
        row = connection.execute(sql, (name, tenant_id, tenant_id)).fetchone()
        if row is not None:
            found.append(job_of(row))
        if len(found) == limit:
            break
    return found


def oldest_pending(connection: sqlite3.Connection, tenant_id: str | None, jobs: int) -> Job | None:
    """The oldest of the first `jobs` pending ones that may start now, or else of the heads of all lines."""
    row = connection.execute(OLDEST, {"tenant_id": tenant_id, "jobs": jobs}).fetchone()
    row = row or connection.execute(OLDEST_OF_LINES, lines_of(tenant_id)).fetchone()
    return job_rows.find(connection, row[0]) if row else None


def troubled(connection: sqlite3.Connection, tenant_id: str | None, since: Instant, limit: int) -> list[Job]:
    rows = connection.execute(TROUBLED, {"tenant_id": tenant_id, "since": since, "most": limit})
    return [job_of(row) for row in rows]


def sample(connection: sqlite3.Connection, at: Instant, jobs: int) -> None:
    """How deep each queue is stands in the tallies; how long its first job has waited is looked up."""
    depths = dict(connection.execute(DEPTHS, {"tenant_id": None}))
    first = dict(connection.execute(FIRST_OF_QUEUES, {**lines_of(None), "jobs": jobs}))
    for name in sorted({DEFAULT_QUEUE, *depths, *(row[0] for row in connection.execute("SELECT queue FROM queues"))}):
        wait = max(0, at - first[name]) / MICROSECONDS_PER_SECOND if name in first else None
        connection.execute(
            "INSERT INTO queue_samples (at, queue, pending, oldest_wait_seconds) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (at, queue) DO NOTHING",
            (at, name, depths.get(name, 0), wait),
        )


def samples(connection: sqlite3.Connection, since: Instant) -> list[QueueSample]:
    rows = connection.execute(
        "SELECT queue, at, pending, oldest_wait_seconds FROM queue_samples WHERE at >= ? ORDER BY at", (since,)
    )
    return [QueueSample(queue, Instant(at), pending, wait) for queue, at, pending, wait in rows]


def audit(
    connection: sqlite3.Connection, target: str | None, actions: Sequence[str], limit: int, before_id: int | None
) -> list[AuditEntry]:
    conditions = ["audit_id < ?"]
    given: list[Any] = [2**63 - 1 if before_id is None else before_id]
    if target is not None:
        conditions.append("target = ?")
        given.append(target)
    if actions:
        conditions.append(f"{'+' if target is not None else ''}action IN ({', '.join('?' * len(actions))})")
        given += actions
    sql = (
        'SELECT audit_id, at, "by", action, target, note FROM audit '  # noqa: S608 - our own names
        f"WHERE {' AND '.join(conditions)} ORDER BY audit_id DESC LIMIT ?"
    )
    return [AuditEntry(row[0], Instant(row[1]), *row[2:]) for row in connection.execute(sql, (*given, limit))]
