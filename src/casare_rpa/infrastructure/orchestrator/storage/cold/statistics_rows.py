"""Statistics: ends by the minute, jobs that need attention, and samples of queues. Portable."""

from collections.abc import Iterable

from casare_rpa.domain.instants import FOREVER, MICROSECONDS_PER_SECOND, Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_request import DEFAULT_QUEUE
from casare_rpa.domain.statistics import Ended, QueueSample
from casare_rpa.infrastructure.orchestrator.storage.cold import job_filters, job_rows
from casare_rpa.infrastructure.orchestrator.storage.cold.job_rows import TENANTS
from casare_rpa.infrastructure.orchestrator.storage.cold.queue_rows import (
    DEPTHS,
    PLACEMENTS_ONLY,
    QUEUES,
    placement_range,
)
from casare_rpa.infrastructure.orchestrator.storage.decisions import MINUTE
from casare_rpa.infrastructure.orchestrator.storage.held_conditions import HELD
from casare_rpa.infrastructure.orchestrator.storage.rows import JOB_SELECT, job_of
from casare_rpa.infrastructure.orchestrator.storage.schema import queue_samples
from casare_rpa.infrastructure.orchestrator.storage.statements import (
    SqlConnection,
    Statement,
    insert_if_absent,
)

ALL_NAMES = 2**62
"""A limit that leaves no workflow out."""
# One range of the primary key per tenant and status.
_ENDED = Statement(
    f"""
{TENANTS},
    wanted (status) AS (VALUES ('completed'), ('failed'))
SELECT
    minute - minute % :step AS first_minute,
    CAST(sum(CASE WHEN tallies.status = 'completed' THEN number ELSE 0 END) AS BIGINT),
    CAST(sum(CASE WHEN tallies.status = 'failed' THEN number ELSE 0 END) AS BIGINT)
FROM tenant [CROSS] JOIN wanted ON true [CROSS] JOIN tallies
    ON tallies.tenant_id = tenant.tenant_id AND tallies.status = wanted.status AND tallies.minute >= :since
    AND tallies.minute < :until
GROUP BY first_minute ORDER BY first_minute
"""  # noqa: S608 - our own names
)
# Jobs that can be offered now: those submitted first, and the first of every placement, so that a queue with few jobs
# is found behind one with many. A delayed job has waited since its time came. With `=`, PostgreSQL can walk the jobs of
# every status in the order of their submits.
_SINCE = "CASE WHEN not_before > submitted_at THEN not_before ELSE submitted_at END"
_SUBMITTED_FIRST = f"""
SELECT tenant_id, queue, since, job_id FROM (
    SELECT tenant_id, queue, {_SINCE} AS since, job_id, ready
    FROM jobs [INDEXED BY jobs_newest_by_status]
    WHERE status >= 'pending' AND status <= 'pending' ORDER BY status, submitted_at, job_id LIMIT :scanned
) AS submitted WHERE ready = 1
"""  # noqa: S608 - our own names
_FIRST_OF_PLACEMENTS = f"""
SELECT tenant_id, queue, {_SINCE} AS since, job_id
FROM line [CROSS] JOIN jobs ON jobs.job_id = (
    SELECT job_id FROM jobs [INDEXED BY jobs_ready]
    WHERE ready = 1 AND placement = line.placement ORDER BY rank, job_id LIMIT 1
)
"""  # noqa: S608
_OLDEST = Statement(
    f"SELECT job_id FROM ({_SUBMITTED_FIRST}) AS ready_first "  # noqa: S608
    "WHERE tenant_id = :tenant_id OR :tenant_id IS NULL LIMIT 1"
)
_OLDEST_OF_PLACEMENTS = Statement(
    f"{PLACEMENTS_ONLY} SELECT job_id FROM ({_FIRST_OF_PLACEMENTS}) AS firsts ORDER BY since, job_id LIMIT 1"  # noqa: S608
)
_FIRST_OF_QUEUES = Statement(
    f"""
{PLACEMENTS_ONLY}
SELECT queue, min(since) FROM (
    SELECT * FROM ({_SUBMITTED_FIRST}) AS ready_first UNION ALL SELECT * FROM ({_FIRST_OF_PLACEMENTS}) AS firsts
) AS candidates
GROUP BY queue
"""  # noqa: S608
)
_TROUBLED = Statement(
    f"""
SELECT * FROM (
    SELECT {JOB_SELECT} FROM jobs [INDEXED BY jobs_unconfirmed]
    WHERE unconfirmed = 1 AND finished_at >= :since AND ([+]tenant_id = :tenant_id OR :tenant_id IS NULL)
    ORDER BY finished_at DESC LIMIT :most
) AS unconfirmed_jobs
UNION ALL SELECT * FROM (
    SELECT {JOB_SELECT} FROM jobs [INDEXED BY jobs_held]
    WHERE {HELD} AND contact_lost_at IS NOT NULL AND status <> 'pending'
    AND ([+]tenant_id = :tenant_id OR :tenant_id IS NULL) LIMIT :most
) AS lost_jobs
"""  # noqa: S608
)
_LAST_OF_WORKFLOW = Statement(
    f"""
SELECT {JOB_SELECT} FROM jobs [INDEXED BY jobs_newest_by_workflow_id]
WHERE workflow_id = :workflow_id AND ([+]tenant_id = :tenant_id OR :tenant_id IS NULL)
ORDER BY submitted_at DESC, job_id DESC LIMIT 1
"""  # noqa: S608
)
_SAMPLE = insert_if_absent(queue_samples, ("at", "queue", "pending", "oldest_wait_seconds"))
_SAMPLES = Statement(
    "SELECT queue, at, pending, oldest_wait_seconds FROM queue_samples WHERE at >= :since AND at < :until ORDER BY at"
)
_LARGEST_SAMPLES = Statement(
    """
SELECT queue, at - at % :step AS first_at, max(pending), max(oldest_wait_seconds) FROM queue_samples
WHERE at >= :since AND at < :until GROUP BY first_at, queue ORDER BY first_at, queue
"""
)


def ended(
    connection: SqlConnection,
    tenant_id: str | None,
    since: Instant,
    until: Instant | None = None,
    step_minutes: int = 1,
) -> list[Ended]:
    """Minutes from `since` and before `until` in which jobs ended, in order; an item covers `step_minutes` of them."""
    end = FOREVER if until is None else until
    rows = _ENDED.run(
        connection, since=since // MINUTE, until=-(-end // MINUTE), step=step_minutes, tenant_id=tenant_id
    )
    return [Ended(*row) for row in rows]


def last_of_workflows(connection: SqlConnection, tenant_id: str | None, limit: int) -> list[Job]:
    """The newest job of up to `limit` workflows, by the workflow's name."""
    found: list[Job] = []
    for name in job_filters.workflows(connection, "", limit if tenant_id is None else ALL_NAMES):
        row = _LAST_OF_WORKFLOW.run(connection, workflow_id=name, tenant_id=tenant_id).fetchone()
        if row is not None:
            found.append(job_of(row))
        if len(found) == limit:
            break
    return found


def oldest_pending(connection: SqlConnection, tenant_id: str | None, scanned: int) -> Job | None:
    """The first submitted of the jobs that can be offered now.

    If none of the first `scanned` pending jobs can be, it is the job at the head of a placement that waited longest.
    """
    row = _OLDEST.run(connection, tenant_id=tenant_id, scanned=scanned).fetchone()
    row = row or _OLDEST_OF_PLACEMENTS.run(connection, **placement_range(tenant_id)).fetchone()
    return job_rows.find(connection, row[0]) if row else None


def troubled(connection: SqlConnection, tenant_id: str | None, since: Instant, limit: int) -> list[Job]:
    """Jobs that ended unconfirmed since then, newest first, and held jobs out of contact; up to `limit` of each."""
    return [job_of(row) for row in _TROUBLED.run(connection, tenant_id=tenant_id, since=since, most=limit)]


def sample(connection: SqlConnection, at: Instant, scanned: int) -> list[QueueSample]:
    """The depth of each queue and the wait of its first job.

    The first job is searched among the first `scanned` pending jobs and the heads of all placements.
    """
    depths = dict(DEPTHS.run(connection, tenant_id=None).fetchall())
    first = dict(_FIRST_OF_QUEUES.run(connection, **placement_range(None), scanned=scanned).fetchall())
    names = sorted({DEFAULT_QUEUE, *depths, *(row[0] for row in QUEUES.run(connection))})
    waits = {name: max(0, at - first[name]) / MICROSECONDS_PER_SECOND for name in names if name in first}
    return [QueueSample(name, at, depths.get(name, 0), waits.get(name)) for name in names]


def save(connection: SqlConnection, new: Iterable[QueueSample]) -> None:
    """Store samples. A sample of the same queue and instant stays as it is."""
    for one in new:
        _SAMPLE.run(
            connection, at=one.at, queue=one.queue, pending=one.pending, oldest_wait_seconds=one.oldest_wait_seconds
        )


def samples(
    connection: SqlConnection, since: Instant, until: Instant | None = None, step_minutes: int = 1
) -> list[QueueSample]:
    """Samples from `since` and before `until`, in order of time; of several `step_minutes` the largest values."""
    bounds = {"since": since, "until": FOREVER if until is None else until}
    if step_minutes == 1:
        rows = _SAMPLES.run(connection, **bounds)
    else:
        rows = _LARGEST_SAMPLES.run(connection, **bounds, step=step_minutes * MINUTE)
    return [QueueSample(queue, Instant(at), pending, wait) for queue, at, pending, wait in rows]
