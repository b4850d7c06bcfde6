"""Writes a large store: a million jobs of a day, most of them ended, and a thousand robots. Usage: fill.py DATABASE"""

import sqlite3
import sys
import time
from pathlib import Path

from casare_rpa.infrastructure.orchestrator.storage.sqlite.migration import migrate

JOBS = 1_000_000
ROBOTS = 1_000
APART = 80_000
"""Microseconds between two submits: a million jobs take about a day."""

FILL_ROBOTS = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :robots - 1)
INSERT INTO robots (robot_id, tenant_id, name, tags, created_at, last_seen_at, last_heartbeat_at)
SELECT 'robot-' || printf('%05d', i), 'default', '', '["excel"]', :now, :now - 60000000, :now - 60000000 FROM n
"""
# One in a thousand requires a robot that does not exist, one in ten has failed, one in a hundred was cancelled.
FILL_JOBS = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :jobs - 1),
kinds AS (
    SELECT i, iif(i % 1000 = 7, 'pending', iif(i % 10 = 3, 'failed', 'completed')) AS status,
        :now - (:jobs - i) * :apart AS at FROM n
),
reasons AS (
    SELECT *, iif(status = 'pending', NULL, 1) AS past,
        CASE WHEN status <> 'failed' THEN NULL WHEN i % 100 = 3 THEN 'cancelled'
            WHEN i % 20 = 13 THEN 'timeout' ELSE 'error' END AS reason
    FROM kinds
)
INSERT INTO jobs (
    job_id, tenant_id, workflow_id, submitted_at, queue, status, reason, priority, parameters, tags, timeout_seconds,
    max_attempts, attempt, starts, robot_id, former_robots, claim_ack, forced, unconfirmed, reconciled, late_reports,
    progress, message, error, started_at, finished_at, revision, placement, rank, ready, fingerprint
)
SELECT 'job-' || printf('%024x', i), 'default', 'workflow-' || (i % 40), at, iif(i % 7 < 2, 'payroll', 'default'),
    status, reason, 5, '{"number":' || i || '}', '[]', 3600, 1, 1, 1,
    iif(past, 'robot-' || printf('%05d', i % :robots), NULL), '[]', 1, 0, 0, 0, 0, iif(status = 'completed', 100, 40),
    'step 3', iif(reason = 'error', '{"type":"error","message":"The window did not open"}', NULL),
    at + 1000000 * past, at + 3000000 * past, 3,
    '["default","default",null,' || iif(past, '[]', '["nobody"]') || ',"workflow-' || (i % 40) || '"]',
    at, iif(past, 0, 1), iif(reason IN ('error', 'timeout'), printf('%016x', i % 40), NULL)
FROM reasons
"""
COUNT = """
INSERT INTO tallies (tenant_id, status, minute, queue, number)
SELECT tenant_id, iif(reason = 'cancelled', 'cancelled', status), coalesce(finished_at / 60000000, 0), queue, count(*)
FROM jobs GROUP BY 1, 2, 3, 4
"""


def add_jobs(connection: sqlite3.Connection, jobs: int, robots: int, apart: int = APART) -> None:
    """Adds ended and pending jobs, the newest of them now, `apart` microseconds apart."""
    values = {"now": time.time_ns() // 1000, "jobs": jobs, "robots": robots, "apart": apart}
    connection.execute("INSERT INTO queues VALUES ('payroll', :now, 'admin')", values)
    connection.execute(FILL_JOBS, values)
    connection.execute(COUNT)


def main(path: Path) -> None:
    """Create a new database."""
    for old in path.parent.glob(f"{path.name}*"):
        old.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    migrate(path)
    now = time.time_ns() // 1000
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    with connection:
        connection.execute("INSERT OR IGNORE INTO tenants VALUES ('default', 'default', ?)", (now,))
        connection.execute(FILL_ROBOTS, {"now": now, "robots": ROBOTS})
        add_jobs(connection, JOBS, ROBOTS)
    connection.close()
    print(f"{JOBS:,} jobs and {ROBOTS:,} robots in {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
