"""Cold statements on jobs: lists, history, counts, and what is due."""

import sqlite3

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import JobHistoryEntry
from casare_rpa.domain.protocol import JobStatus
from casare_rpa.domain.statistics import Counts
from casare_rpa.infrastructure.orchestrator.storage.decisions import MINUTE
from casare_rpa.infrastructure.orchestrator.storage.rows import JOB_SELECT, job_of

DAY_MINUTES = 24 * 60
_DAY = DAY_MINUTES * 60 * MICROSECONDS_PER_SECOND

# Each branch walks an index that holds only the rows that have such a deadline.
DUE = """
SELECT job_id, event FROM (
    SELECT job_id, 'offer_expired' AS event FROM jobs WHERE offer_expires_at <= :at
    UNION ALL SELECT job_id, 'lease_over' FROM jobs WHERE lease_expires_at <= :at
    UNION ALL SELECT job_id, 'grace_over' FROM jobs WHERE grace_expires_at <= :at
    UNION ALL SELECT job_id, 'deadline_over' FROM jobs
    WHERE deadline_at <= :at AND cancel_requested_at IS NULL AND status <> 'pending'
    UNION ALL SELECT job_id, 'queue_expired' FROM jobs WHERE queue_expires_at <= :at AND offer_expires_at IS NULL
) LIMIT :most
"""
EXTEND_LEASES = """
UPDATE jobs SET lease_expires_at = :until
WHERE lease_expires_at IS NOT NULL AND lease_expires_at < :until
"""
EXTEND_OFFERS = """
UPDATE jobs SET offer_expires_at = :until
WHERE offer_expires_at IS NOT NULL AND offer_expires_at < :until AND claim_ack = 0
"""
# Open jobs are tallied under minute 0, ends under theirs. For each tenant (a loose scan finds them) and status one
# range of the primary key is read: a day at the most, however long the history.
TENANTS = """
WITH RECURSIVE
    tenant (tenant_id) AS (
        SELECT coalesce(:tenant_id, (SELECT min(tenant_id) FROM tallies))
        UNION ALL
        SELECT (SELECT min(tenant_id) FROM tallies WHERE tenant_id > tenant.tenant_id)
        FROM tenant WHERE tenant.tenant_id IS NOT NULL AND :tenant_id IS NULL
    )
"""
COUNTS = f"""
{TENANTS},
    wanted (status, since) AS (
        VALUES ('pending', -1), ('claimed', -1), ('running', -1), ('completed', :since), ('failed', :since)
    )
SELECT wanted.status, sum(tallies.number)
FROM tenant CROSS JOIN wanted CROSS JOIN tallies
    ON tallies.tenant_id = tenant.tenant_id AND tallies.status = wanted.status AND tallies.minute > wanted.since
GROUP BY wanted.status
"""  # noqa: S608


def find(connection: sqlite3.Connection, job_id: str) -> Job | None:
    row = connection.execute(f"SELECT {JOB_SELECT} FROM jobs WHERE job_id = ?", (job_id,)).fetchone()  # noqa: S608
    return job_of(row) if row else None


def open_jobs(connection: sqlite3.Connection, tenant_id: str | None, limit: int, after_id: str | None) -> list[Job]:
    sql = (
        f"SELECT {JOB_SELECT} FROM jobs INDEXED BY jobs_open WHERE finished_at IS NULL AND job_id > ? "  # noqa: S608
        "AND (? IS NULL OR tenant_id = ?) ORDER BY job_id LIMIT ?"
    )
    return [job_of(row) for row in connection.execute(sql, (after_id or "", tenant_id, tenant_id, limit))]


def held_by(connection: sqlite3.Connection, robot_id: str) -> list[Job]:
    sql = (
        f"SELECT {JOB_SELECT} FROM jobs INDEXED BY jobs_held "  # noqa: S608
        "WHERE finished_at IS NULL AND robot_id IS NOT NULL AND robot_id = ? ORDER BY job_id"
    )
    return [job_of(row) for row in connection.execute(sql, (robot_id,))]


def history(connection: sqlite3.Connection, job_id: str) -> list[JobHistoryEntry]:
    rows = connection.execute(
        'SELECT event_id, job_id, at, number, kind, status, attempt, robot_id, session_id, "by", note '
        "FROM job_events WHERE job_id = ? ORDER BY event_id",
        (job_id,),
    )
    return [
        JobHistoryEntry(row[0], row[1], Instant(row[2]), row[3], row[4], JobStatus(row[5]), *row[6:]) for row in rows
    ]


def counts(connection: sqlite3.Connection, tenant_id: str | None, at: Instant) -> Counts:
    """From the tallies: open jobs exactly, ends of the last 24 hours to the minute."""
    since = at // MINUTE - DAY_MINUTES
    found = dict(connection.execute(COUNTS, {"tenant_id": tenant_id, "since": since}))
    return Counts(
        pending=found.get("pending", 0),
        claimed=found.get("claimed", 0),
        running=found.get("running", 0),
        completed_24h=found.get("completed", 0),
        failed_24h=found.get("failed", 0),
    )


def due(connection: sqlite3.Connection, at: Instant, limit: int) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in connection.execute(DUE, {"at": at, "most": limit})]


def extend_leases(connection: sqlite3.Connection, until: Instant) -> int:
    leases = connection.execute(EXTEND_LEASES, {"until": until}).rowcount
    return leases + connection.execute(EXTEND_OFFERS, {"until": until}).rowcount


def record(connection: sqlite3.Connection, at: Instant, by: str, action: str, target: str, note: str) -> None:
    connection.execute(
        'INSERT INTO audit (at, "by", action, target, note) VALUES (?, ?, ?, ?, ?)', (at, by, action, target, note)
    )
