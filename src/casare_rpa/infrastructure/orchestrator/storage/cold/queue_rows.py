"""Statements on queues: their names, pauses and depths, and the position of a job among the waiting ones. Portable.

Ranges over `placement` rely on byte order: SQLite's default collation, `COLLATE "C"` on PostgreSQL.
"""

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import WaitingJob
from casare_rpa.domain.queues import ALL_QUEUES, PausedQueue, Queue
from casare_rpa.domain.waiting import POSITION_LIMIT
from casare_rpa.infrastructure.orchestrator.storage.cold.job_rows import TENANTS
from casare_rpa.infrastructure.orchestrator.storage.rows import JOB_SELECT, job_of, placement_text
from casare_rpa.infrastructure.orchestrator.storage.schema import paused_queues, queues
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement, insert_if_absent

# A loose scan: one index look-up per placement, however many jobs wait in it. For `min` instead of the order,
# PostgreSQL can read all jobs of the range.
PLACEMENTS_ONLY = """
WITH RECURSIVE line (placement) AS (
    SELECT (SELECT placement FROM jobs WHERE ready = 1 AND placement >= :low AND placement < :high
        ORDER BY placement LIMIT 1)
    UNION ALL
    SELECT (SELECT jobs.placement FROM jobs
        WHERE ready = 1 AND jobs.placement > line.placement AND jobs.placement < :high
        ORDER BY jobs.placement LIMIT 1)
    FROM line WHERE line.placement IS NOT NULL
)
"""
PLACEMENTS = Statement(f"{PLACEMENTS_ONLY} SELECT placement FROM line WHERE placement IS NOT NULL LIMIT :most")  # noqa: S608
ALL_PLACEMENTS = 2**62
"""A `most` that leaves none out."""
_AHEAD = Statement(
    """
SELECT count(*) FROM (
    SELECT 1 FROM jobs [INDEXED BY jobs_ready]
    WHERE ready = 1 AND placement = :placement AND (rank, job_id) < (:rank, :job_id) LIMIT :most
) AS ahead
"""
)
# Read from the tallies, a range for each tenant, so that the time does not depend on the numbers of jobs and minutes.
DEPTHS = Statement(
    f"""
{TENANTS}
SELECT queue, CAST(sum(number) AS BIGINT)
FROM tenant [CROSS] JOIN tallies
    ON tallies.tenant_id = tenant.tenant_id AND tallies.status = 'pending' AND tallies.minute = 0
GROUP BY queue HAVING sum(number) > 0
"""  # noqa: S608 - our own names
)
_DELAYED = Statement(
    f"""
SELECT {JOB_SELECT} FROM jobs [INDEXED BY jobs_delayed]
WHERE ready = 0 AND status = 'pending' AND offer_expires_at IS NULL ORDER BY not_before LIMIT :most
"""  # noqa: S608 - our own names
)
_OFFERED = Statement(
    f"SELECT {JOB_SELECT} FROM jobs [INDEXED BY jobs_offers] WHERE offer_expires_at IS NOT NULL LIMIT :most"  # noqa: S608
)
_IN_LINE = Statement(
    f"""
SELECT {JOB_SELECT} FROM jobs [INDEXED BY jobs_ready]
WHERE ready = 1 AND placement = :placement ORDER BY rank, job_id LIMIT :most
"""  # noqa: S608
)
_ADD = insert_if_absent(queues, ("queue", "created_at", "created_by"))
QUEUES = Statement("SELECT queue, created_at, created_by FROM queues ORDER BY queue")
_PAUSE = insert_if_absent(paused_queues, ("queue", "paused_at", "paused_by", "reason"))
_RESUME = Statement("DELETE FROM paused_queues WHERE queue = :queue OR :queue = :every")
_PAUSED = Statement("SELECT queue, paused_at, paused_by, reason FROM paused_queues ORDER BY queue")


def placement_range(tenant_id: str | None) -> dict[str, str]:
    """The bounds of the placements of a tenant, or of all. A placement is JSON text that begins with its tenant."""
    if tenant_id is None:
        return {"low": "[", "high": "\\"}
    return {"low": f'["{tenant_id}",', "high": f'["{tenant_id}"-'}


def add(connection: SqlConnection, queue: Queue) -> bool:
    """Whether the queue is new."""
    rows = _ADD.run(connection, queue=queue.queue, created_at=queue.created_at, created_by=queue.created_by)
    return rows.rowcount == 1


def every(connection: SqlConnection) -> list[Queue]:
    """All named queues, by name."""
    return [Queue(queue, Instant(at), by) for queue, at, by in QUEUES.run(connection)]


def depths(connection: SqlConnection, tenant_id: str | None) -> dict[str, int]:
    """Pending jobs of each queue that has any."""
    return dict(DEPTHS.run(connection, tenant_id=tenant_id).fetchall())


def pause(connection: SqlConnection, paused: PausedQueue) -> bool:
    """Pause a queue; a pause that exists stays as it is."""
    _PAUSE.run(
        connection, queue=paused.queue, paused_at=paused.paused_at, paused_by=paused.paused_by, reason=paused.reason
    )
    return True


def resume(connection: SqlConnection, queue: str) -> bool:
    """Resume a queue; `*` resumes all."""
    _RESUME.run(connection, queue=queue, every=ALL_QUEUES)
    return True


def paused(connection: SqlConnection) -> list[PausedQueue]:
    """The paused queues, by name."""
    return [PausedQueue(queue, Instant(at), by, reason) for queue, at, by, reason in _PAUSED.run(connection)]


def position(connection: SqlConnection, job: Job) -> int:
    """The position of a job among those of its placement, 1 being next; counted to POSITION_LIMIT."""
    placement = placement_text(job.placement)
    row = _AHEAD.run(connection, placement=placement, rank=job.rank, job_id=job.job_id, most=POSITION_LIMIT).fetchone()
    return int(row[0]) + 1


def waiting(connection: SqlConnection, placements: int, each: int, tenant_id: str | None) -> list[WaitingJob]:
    """The first `each` jobs of up to `placements` placements, and up to `each` delayed and offered jobs."""
    found: list[WaitingJob] = []
    texts = PLACEMENTS.run(connection, **placement_range(tenant_id), most=placements).fetchall()
    for (placement,) in texts:
        rows = _IN_LINE.run(connection, placement=placement, most=each)
        found += [WaitingJob(job_of(row), place) for place, row in enumerate(rows, 1)]
    for statement in (_DELAYED, _OFFERED):
        found += [WaitingJob(job_of(row), None) for row in statement.run(connection, most=each)]
    return [one for one in found if tenant_id in (None, one.job.tenant_id)]
