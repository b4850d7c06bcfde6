"""Jobs of a day for a large store, most of them ended."""

import sqlite3
import time

DAY = 86_400_000_000
"""Microseconds."""

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


def add_jobs(connection: sqlite3.Connection, jobs: int, robots: int) -> None:
    """Adds ended and pending jobs, submitted at equal distances within the last day."""
    values = {"now": time.time_ns() // 1000, "jobs": jobs, "robots": robots, "apart": DAY // jobs}
    connection.execute("INSERT INTO queues VALUES ('payroll', :now, 'admin')", values)
    connection.execute(FILL_JOBS, values)
    connection.execute(COUNT)
