"""Cold statements on queues: which there are, which are paused, and where a job stands in its line."""

import sqlite3

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import WaitingJob
from casare_rpa.domain.queues import PausedQueue, Queue
from casare_rpa.domain.waiting import POSITION_LIMIT
from casare_rpa.infrastructure.orchestrator.storage.rows import JOB_SELECT, job_of, placement_text
from casare_rpa.infrastructure.orchestrator.storage.sqlite.claims import ALL_QUEUES
from casare_rpa.infrastructure.orchestrator.storage.sqlite.placements import LINES, lines_of

AHEAD = """
SELECT count(*) FROM (
    SELECT 1 FROM jobs INDEXED BY jobs_ready
    WHERE ready = 1 AND placement = ? AND (rank, job_id) < (?, ?) LIMIT ?
)
"""
# From the tallies, so that its time depends on the number of queues, not on that of jobs.
DEPTHS = """
SELECT queue, sum(number) FROM tallies
WHERE status = 'pending' AND minute = 0 AND (:tenant_id IS NULL OR tenant_id = :tenant_id)
GROUP BY queue HAVING sum(number) > 0
"""
DELAYED = f"""
SELECT {JOB_SELECT} FROM jobs INDEXED BY jobs_delayed
WHERE ready = 0 AND status = 'pending' AND offer_expires_at IS NULL ORDER BY not_before LIMIT ?
"""  # noqa: S608
OFFERED = f"""
SELECT {JOB_SELECT} FROM jobs INDEXED BY jobs_offers WHERE offer_expires_at IS NOT NULL LIMIT ?
"""  # noqa: S608
IN_LINE = f"""
SELECT {JOB_SELECT} FROM jobs INDEXED BY jobs_ready WHERE ready = 1 AND placement = ? ORDER BY rank, job_id LIMIT ?
"""  # noqa: S608


def add(connection: sqlite3.Connection, queue: Queue) -> bool:
    """False when it exists."""
    done = connection.execute(
        "INSERT INTO queues (queue, created_at, created_by) VALUES (?, ?, ?) ON CONFLICT (queue) DO NOTHING",
        (queue.queue, queue.created_at, queue.created_by),
    )
    return done.rowcount == 1


def every(connection: sqlite3.Connection) -> list[Queue]:
    rows = connection.execute("SELECT queue, created_at, created_by FROM queues ORDER BY queue")
    return [Queue(queue, Instant(at), by) for queue, at, by in rows]


def depths(connection: sqlite3.Connection, tenant_id: str | None) -> dict[str, int]:
    return dict(connection.execute(DEPTHS, {"tenant_id": tenant_id}))


def pause(connection: sqlite3.Connection, paused: PausedQueue) -> None:
    connection.execute(
        "INSERT INTO paused_queues (queue, paused_at, paused_by, reason) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (queue) DO NOTHING",
        (paused.queue, paused.paused_at, paused.paused_by, paused.reason),
    )


def resume(connection: sqlite3.Connection, queue: str) -> None:
    connection.execute("DELETE FROM paused_queues WHERE queue = ? OR ? = ?", (queue, queue, ALL_QUEUES))


def paused(connection: sqlite3.Connection) -> list[PausedQueue]:
    rows = connection.execute("SELECT queue, paused_at, paused_by, reason FROM paused_queues ORDER BY queue")
    return [PausedQueue(queue, Instant(at), by, reason) for queue, at, by, reason in rows]


def position(connection: sqlite3.Connection, job: Job) -> int:
    """1 is next. Counted in its line, and no further than anybody wants to know."""
    line = placement_text(job.placement)
    row = connection.execute(AHEAD, (line, job.rank, job.job_id, POSITION_LIMIT)).fetchone()
    return int(row[0]) + 1


def waiting(connection: sqlite3.Connection, lines: int, each: int, tenant_id: str | None) -> list[WaitingJob]:
    found: list[WaitingJob] = []
    for (line,) in connection.execute(f"{LINES} LIMIT :most", {**lines_of(tenant_id), "most": lines}).fetchall():
        rows = connection.execute(IN_LINE, (line, each))
        found += [WaitingJob(job_of(row), place) for place, row in enumerate(rows, 1)]
    for statement in (DELAYED, OFFERED):
        found += [WaitingJob(job_of(row), None) for row in connection.execute(statement, (each,))]
    return [one for one in found if tenant_id in (None, one.job.tenant_id)]
