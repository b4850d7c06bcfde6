"""Statements on jobs: lists, history, counts and due jobs. Portable."""

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import JobHistoryEntry
from casare_rpa.domain.statistics import Counts
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.storage.decisions import MINUTE
from casare_rpa.infrastructure.orchestrator.storage.held_conditions import LEASED, held_condition
from casare_rpa.infrastructure.orchestrator.storage.rows import JOB_SELECT, job_of
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement

DAY_MINUTES = 24 * 60
_DAY = DAY_MINUTES * 60 * MICROSECONDS_PER_SECOND

# The instance that has the connection of a robot judges what the robot holds: it knows frames that are not stored yet.
_HERE = """NOT EXISTS (
        SELECT 1 FROM robot_sessions AS held
        WHERE held.robot_id = jobs.robot_id AND held.session_id IS NOT NULL AND held.instance <> :instance)"""
# Each branch walks a partial index that holds only rows with such a deadline. A job with a lease is held: PostgreSQL,
# which has no index of leases, finds it by the index of held jobs.
DUE = Statement(
    f"""
SELECT job_id, event FROM (
    SELECT job_id, CASE WHEN claim_ack = 1 THEN 'offer_expired' ELSE 'held_offer_expired' END AS event
    FROM jobs WHERE offer_expires_at <= :at AND (claim_ack = 1 OR {_HERE})
    UNION ALL SELECT job_id, 'lease_over' FROM jobs WHERE lease_expires_at <= :at AND {LEASED} AND {_HERE}
    UNION ALL SELECT job_id, 'grace_over' FROM jobs WHERE grace_expires_at <= :at AND {_HERE}
    UNION ALL SELECT job_id, 'deadline_over' FROM jobs
    WHERE deadline_at <= :at AND cancel_requested_at IS NULL AND status <> 'pending'
    UNION ALL SELECT job_id, 'queue_expired' FROM jobs WHERE queue_expires_at <= :at AND offer_expires_at IS NULL
) AS found LIMIT :most
"""  # noqa: S608 - our own names
)
EXTEND_LEASES = """
UPDATE jobs SET lease_expires_at = :until
WHERE lease_expires_at IS NOT NULL AND lease_expires_at < :until
"""
EXTEND_OFFERS = """
UPDATE jobs SET offer_expires_at = :until
WHERE offer_expires_at IS NOT NULL AND offer_expires_at < :until AND claim_ack = 0
"""
_LEASES_HELD = f"{EXTEND_LEASES}AND {LEASED} "
_EXTEND_ALL = (Statement(_LEASES_HELD), Statement(EXTEND_OFFERS))
# All leases that an instance judges, also of robots without a session, which could not connect to an absent store.
_EXTEND_JUDGED = (Statement(f"{_LEASES_HELD}AND {_HERE}"), Statement(f"{EXTEND_OFFERS}AND {_HERE}"))
# Open jobs are tallied under minute 0, ended jobs under the minute of their end. Per tenant (found by a loose scan) and
# status, one range of the primary key is read, of at most one day, however long the history is.
TENANTS = """
WITH RECURSIVE
    tenant (tenant_id) AS (
        SELECT coalesce(:tenant_id, (SELECT min(tenant_id) FROM tallies))
        UNION ALL
        SELECT (SELECT min(tenant_id) FROM tallies WHERE tenant_id > tenant.tenant_id)
        FROM tenant WHERE tenant.tenant_id IS NOT NULL AND :tenant_id IS NULL
    )
"""
# One range for each row of `tenant` and `wanted`, as a subquery: PostgreSQL can read the whole table for a join.
COUNTS = Statement(
    f"""
{TENANTS},
    wanted (status, since) AS (
        VALUES ('pending', -1), ('claimed', -1), ('running', -1), ('completed', :since), ('failed', :since)
    )
SELECT status, CAST(sum(number) AS BIGINT) FROM (
    SELECT wanted.status, (
        SELECT sum(number) FROM tallies
        WHERE tallies.tenant_id = tenant.tenant_id AND tallies.status = wanted.status AND minute > wanted.since
    ) AS number
    FROM tenant [CROSS] JOIN wanted ON true
) AS counted WHERE number IS NOT NULL GROUP BY status
"""  # noqa: S608 - our own names
)
_FIND = Statement(f"SELECT {JOB_SELECT} FROM jobs WHERE job_id = :job_id")  # noqa: S608 - our own names
_OPEN = Statement(
    f"SELECT {JOB_SELECT} FROM jobs [INDEXED BY jobs_open] WHERE finished_at IS NULL AND job_id > :after_id "  # noqa: S608
    "AND (tenant_id = :tenant_id OR :tenant_id IS NULL) ORDER BY job_id LIMIT :most"
)
_HELD = Statement(
    f"SELECT {JOB_SELECT} FROM jobs [INDEXED BY jobs_held] "  # noqa: S608
    f"WHERE {held_condition('(SELECT :robot_id)')} ORDER BY robot_id, job_id"
)
_HISTORY = Statement(
    'SELECT event_id, job_id, at, number, kind, status, attempt, robot_id, session_id, "by", note, request_id '
    "FROM job_events WHERE job_id = :job_id AND event_id > :after_id ORDER BY event_id LIMIT :most"
)


def find(connection: SqlConnection, job_id: str) -> Job | None:
    row = _FIND.run(connection, job_id=job_id).fetchone()
    return job_of(row) if row else None


def open_jobs(connection: SqlConnection, tenant_id: str | None, limit: int, after_id: str | None) -> list[Job]:
    return [job_of(row) for row in _OPEN.run(connection, after_id=after_id or "", tenant_id=tenant_id, most=limit)]


def held_by(connection: SqlConnection, robot_id: str) -> list[Job]:
    return [job_of(row) for row in _HELD.run(connection, robot_id=robot_id)]


def history(connection: SqlConnection, job_id: str, limit: int, after_id: int) -> list[JobHistoryEntry]:
    return [
        JobHistoryEntry(row[0], row[1], Instant(row[2]), row[3], row[4], JobStatus(row[5]), *row[6:])
        for row in _HISTORY.run(connection, job_id=job_id, after_id=after_id, most=limit)
    ]


def counts(connection: SqlConnection, tenant_id: str | None, at: Instant) -> Counts:
    """The number of open jobs (exact) and of ends in the last 24 hours (to the minute), read from the tallies."""
    since = at // MINUTE - DAY_MINUTES
    found = dict(COUNTS.run(connection, tenant_id=tenant_id, since=since).fetchall())
    return Counts(
        pending=found.get("pending", 0),
        claimed=found.get("claimed", 0),
        running=found.get("running", 0),
        completed_24h=found.get("completed", 0),
        failed_24h=found.get("failed", 0),
    )


def due(connection: SqlConnection, at: Instant, limit: int, instance: str) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in DUE.run(connection, at=at, most=limit, instance=instance)]


def extend_leases(connection: SqlConnection, until: Instant, instance: str | None) -> int:
    if instance is None:
        return sum(one.run(connection, until=until).rowcount for one in _EXTEND_ALL)
    return sum(one.run(connection, until=until, instance=instance).rowcount for one in _EXTEND_JUDGED)
