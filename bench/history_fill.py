"""A store with many ended jobs, as the product writes them: rows, history, log lines, counts and numbers."""

import json
import os
import shutil
import sqlite3
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench import servers
from bench.store import fill
from casare_rpa.domain.failures import fingerprint
from casare_rpa.domain.job import Job, Reason
from casare_rpa.domain.logs import LINE_OVERHEAD_BYTES
from casare_rpa.domain.vocabulary import JobStatus

DAY = 86_400_000_000
"""Microseconds."""
KEPT_DAYS = 30
OLDEST_DAYS = 40
DUE_AT_LEAST = 400_000
"""Retention deletes less than 10,000 jobs a second, so they last longer than the measurement."""
BYTES_A_JOB = 3_000
SPARE_BYTES = 2_000_000_000
CHUNK = 20_000
PROGRESS_SECONDS = 5.0
WORKFLOWS = 8
ERROR = '{"type":"error","message":"Row 17 of the list has no amount"}'
EVENTS_A_JOB = 5
SHOWN_A_JOB = 4
"""The events that viewers see: all but the offer."""

# One in ten has failed. The first :due jobs are older than retention allows, the others are of the last :kept.
_JOBS = """
WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last),
timed AS (
    SELECT i, i % :robots AS robot, i % :workflows AS workflow, i % 10 = 3 AS failed,
        iif(i < :due, :now - :oldest + i * (:oldest - :kept - :day) / :due,
            :now - :kept + :day + (i - :due) * (:kept - 2 * :day) / (:jobs - :due)) AS at
    FROM n
)
INSERT INTO jobs (
    job_id, tenant_id, workflow_id, submitted_at, queue, status, reason, priority, parameters, tags, timeout_seconds,
    max_attempts, attempt, starts, robot_id, session_id, former_robots, claim_ack, forced, unconfirmed, reconciled,
    late_reports, progress, error, started_at, finished_at, revision, placement, rank, ready, fingerprint, process
)
SELECT 'job-' || printf('%012x%012x', at / 1000, i), 'default', 'workflow-' || workflow, at, 'default',
    iif(failed, 'failed', 'completed'), iif(failed, 'error', NULL), 5, '{"invoice":"R-' || i || '"}', '[]', 3600, 1, 1,
    1, 'robot-' || printf('%05d', robot), 'ses-' || printf('%016x', robot), '[]', 0, 0, 0, 0, 0,
    iif(failed, 40.0, 100.0), iif(failed, replace(:error, '17', i), NULL), at + 1000000, at + 3000000, 4,
    '["default","default",null,[],"workflow-' || workflow || '"]', at - 3000000000, 0,
    iif(failed, :fingerprints ->> workflow, NULL), 'instance:pc-' || robot
FROM timed ORDER BY i
"""
# The rows of the chunk: `jobs` has no other rows, so a rowid is the number of a job from 1.
_OF_CHUNK = "WHERE jobs.rowid BETWEEN :first + 1 AND :last + 1"
_EVENTS = f"""
WITH steps (step, number, kind, status, after, shown_step) AS (VALUES
    (1, 'T1', 'submitted', 'pending', 0, 1), (2, 'T2', 'offered', 'pending', 500000, NULL),
    (3, 'T3', 'claimed', 'claimed', 1000000, 2), (4, 'T6', 'running', 'running', 1000000, 3),
    (5, 'T10', NULL, NULL, 3000000, 4)
)
INSERT INTO job_events (
    event_id, job_id, at, number, kind, status, attempt, robot_id, session_id, "by", request_id, tenant_id, seq,
    tenant_seq, shown
)
SELECT (jobs.rowid - 1) * {EVENTS_A_JOB} + step, job_id, submitted_at + after, number, coalesce(kind, jobs.status),
    coalesce(steps.status, jobs.status), step > 1, iif(step > 1, robot_id, NULL), iif(step > 1, session_id, NULL),
    iif(step = 1, 'admin', NULL), iif(step = 1, 'req-' || printf('%016x', jobs.rowid), NULL), 'default',
    (jobs.rowid - 1) * {SHOWN_A_JOB} + shown_step, (jobs.rowid - 1) * {SHOWN_A_JOB} + shown_step,
    CASE WHEN step = 1 THEN '[null,null,0.0,null,false,null,0]'
        WHEN step = 2 THEN NULL
        WHEN step = 5 THEN json_array(robot_id, reason, progress, NULL, json('false'), NULL, revision)
        ELSE json_array(robot_id, NULL, 0.0, NULL, json('false'), NULL, step - 1) END
FROM jobs CROSS JOIN steps {_OF_CHUNK} ORDER BY jobs.rowid, step
"""  # noqa: S608 - constants of this module
_LINES = f"""
INSERT INTO job_logs (
    log_id, tenant_id, robot_id, level, message, logged_at, received_at, job_id, truncated, seq
)
SELECT rowid, 'default', robot_id, 'INFO', 'row ' || rowid || ': the invoice was entered', submitted_at + 2000000,
    submitted_at + 2000000, job_id, 0, 0
FROM jobs {_OF_CHUNK} ORDER BY rowid
"""  # noqa: S608 - constants of this module
_TALLIES = f"""
INSERT INTO tallies (tenant_id, status, minute, queue, slot, number)
SELECT tenant_id, status, finished_at / 60000000, queue, 0, count(*) FROM jobs {_OF_CHUNK} GROUP BY 1, 2, 3, 4
ON CONFLICT DO UPDATE SET number = number + excluded.number
"""  # noqa: S608 - constants of this module
_VOLUMES = f"""
INSERT INTO log_volumes (robot_id, bytes)
SELECT robot_id, sum(length(CAST(message AS BLOB)) + {LINE_OVERHEAD_BYTES}) FROM job_logs
WHERE log_id BETWEEN :first + 1 AND :last + 1 GROUP BY 1
ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes
"""  # noqa: S608 - constants of this module
_NUMBERS = (
    "INSERT INTO numbers (name, last) VALUES ('jobs', :shown), ('jobs:default', :shown), ('logs', :jobs) "
    "ON CONFLICT DO UPDATE SET last = excluded.last"
)


@dataclass(frozen=True)
class History:
    """The number of ended jobs, and how many of them retention must delete."""

    jobs: int

    @property
    def due(self) -> int:
        return min(self.jobs // 2, max(self.jobs // 10, DUE_AT_LEAST))

    @property
    def settings(self) -> dict[str, str]:
        """The setting of retention: one round deletes 100,000 jobs by age, but any number above this limit."""
        return {"CASARE_RETENTION_JOBS": str(self.jobs - self.due)}


def check_space(jobs: int, free_bytes: int) -> None:
    """Raises RuntimeError if the disk has less space than such a store needs."""
    needed = jobs * BYTES_A_JOB + SPARE_BYTES
    if free_bytes < needed:
        most = max(0, (free_bytes - SPARE_BYTES) // BYTES_A_JOB)
        raise RuntimeError(
            f"a store with {jobs:,} ended jobs needs about {needed / 1e9:.0f} GB in {servers.STORES}, "
            f"and {free_bytes / 1e9:.1f} GB are free: free some, or measure at most {most:,} with JOBS={most}"
        )


def free_bytes() -> int:
    """The free space of the disk of the stores."""
    servers.STORES.mkdir(exist_ok=True)
    return shutil.disk_usage(servers.STORES).free


def fill_history(folder: Path, robots: int, history: History, *, chunk: int = CHUNK) -> None:
    """A new store with these ended jobs of robots with keys. Prints the progress; on the disk when it returns."""
    fill(folder, robots)
    path = folder / "casare.db"
    connection = sqlite3.connect(path, isolation_level=None)
    # Without a journal, because an incomplete store is deleted.
    for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {setting}")
    values = {
        "now": time.time_ns() // 1000,
        "jobs": history.jobs,
        "due": history.due,
        "robots": robots,
        "workflows": WORKFLOWS,
        "oldest": OLDEST_DAYS * DAY,
        "kept": KEPT_DAYS * DAY,
        "day": DAY,
        "error": ERROR,
        "fingerprints": json.dumps([_fingerprint(f"workflow-{number}") for number in range(WORKFLOWS)]),
    }
    began, shown_at = time.monotonic(), time.monotonic()
    for first in range(0, history.jobs, chunk):
        bounds = {"first": first, "last": min(first + chunk, history.jobs) - 1}
        connection.execute("BEGIN")
        for statement in (_JOBS, _EVENTS, _LINES, _TALLIES, _VOLUMES):
            connection.execute(statement, {**values, **bounds})
        connection.execute("COMMIT")
        if time.monotonic() - shown_at > PROGRESS_SECONDS:
            shown_at = time.monotonic()
            _print_progress(bounds["last"] + 1, history.jobs, path, shown_at - began)
    connection.execute(_NUMBERS, {"shown": history.jobs * SHOWN_A_JOB, "jobs": history.jobs})
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    descriptor = os.open(path, os.O_RDWR)
    os.fsync(descriptor)  # otherwise the kernel would write it during the measurement
    os.close(descriptor)
    _print_progress(history.jobs, history.jobs, path, time.monotonic() - began)


def _fingerprint(workflow_id: str) -> str | None:
    """The fingerprint of the failed jobs of a workflow. It does not depend on the number in their error."""
    failed = Job(
        workflow_id=workflow_id,
        tenant_id="default",
        job_id="job-1",
        submitted_at=1,
        status=JobStatus.FAILED,
        reason=Reason.ERROR,
        error=ERROR,
    )
    return fingerprint(failed)


def _print_progress(done: int, jobs: int, path: Path, seconds: float) -> None:
    size = path.stat().st_size / 1e9
    print(f"filling: {done:,} of {jobs:,} ended jobs, {size:.1f} GB, {seconds:.0f} s", file=sys.stderr, flush=True)
