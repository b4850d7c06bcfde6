"""Deletes of retention on PostgreSQL: one autocommit statement each, so that an instance that stops holds no lock.

The rows of `log_volumes` are hot: every write of log lines counts in them. They are the last ones that a statement
locks, in the order of their keys.
"""

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.logs import LINE_OVERHEAD_BYTES
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.infrastructure.orchestrator.storage.cold import retention_rows
from casare_rpa.infrastructure.orchestrator.storage.postgres.cold_connection import ColdConnection

# Follows `lines`, the deleted lines; a sum over no line changes no row. The volumes are locked in the order of their
# robots, as by new lines.
_COUNTED = f"""
sizes AS MATERIALIZED (
    SELECT robot_id, sum(octet_length(message) + {LINE_OVERHEAD_BYTES})::bigint AS size FROM lines GROUP BY robot_id
    ORDER BY robot_id
),
volumes AS MATERIALIZED (
    SELECT robot_id, size FROM sizes CROSS JOIN LATERAL (
        SELECT 1 FROM log_volumes AS kept WHERE kept.robot_id = sizes.robot_id FOR NO KEY UPDATE
    ) AS locked
),
counted AS (
    UPDATE log_volumes SET bytes = bytes - volumes.size FROM volumes WHERE log_volumes.robot_id = volumes.robot_id
)
"""  # noqa: S608 - our own names
# The newest id must not be assigned again.
_NOT_NEWEST = "log_id < (SELECT max(log_id) FROM job_logs)"
_DELETE_LINES = f"""
WITH lines AS (DELETE FROM job_logs WHERE log_id <= $1 AND {_NOT_NEWEST} RETURNING robot_id, message),
{_COUNTED}
SELECT count(*) FROM lines
"""  # noqa: S608
_DELETE_LINES_OF_ROBOT = f"""
WITH lines AS (
    DELETE FROM job_logs WHERE log_id = ANY (ARRAY(
        SELECT log_id FROM job_logs WHERE robot_id = $1 ORDER BY log_id LIMIT $2
    )) AND {_NOT_NEWEST} RETURNING robot_id, message
),
{_COUNTED}
SELECT count(*) FROM lines
"""  # noqa: S608
_DELETE_JOBS = f"""
WITH old AS MATERIALIZED (
    SELECT job_id FROM jobs WHERE finished_at IS NOT NULL AND finished_at < $1
    ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED
),
events AS (
    DELETE FROM job_events WHERE job_id = ANY (ARRAY(SELECT job_id FROM old)) RETURNING tenant_id, seq, tenant_seq
),
steps AS (DELETE FROM job_steps WHERE job_id = ANY (ARRAY(SELECT job_id FROM old))),
totals AS (DELETE FROM job_step_totals WHERE job_id = ANY (ARRAY(SELECT job_id FROM old))),
keys AS (DELETE FROM idempotency_keys WHERE job_id = ANY (ARRAY(SELECT job_id FROM old))),
lines AS (
    DELETE FROM job_logs WHERE job_id = ANY (ARRAY(SELECT job_id FROM old)) AND {_NOT_NEWEST}
    RETURNING robot_id, message
),
gone AS (DELETE FROM jobs WHERE job_id = ANY (ARRAY(SELECT job_id FROM old)) RETURNING 1),
greatest_of AS MATERIALIZED (
    SELECT name, max(number) AS number FROM (
        SELECT 'deleted:jobs' AS name, seq AS number FROM events WHERE seq IS NOT NULL
        UNION ALL SELECT 'deleted:jobs:' || tenant_id, tenant_seq FROM events WHERE tenant_seq IS NOT NULL
    ) AS numbered GROUP BY name ORDER BY name
),
noted AS (
    INSERT INTO numbers (name, last) SELECT name, number FROM greatest_of
    ON CONFLICT (name) DO UPDATE SET last = greatest(numbers.last, excluded.last)
),
{_COUNTED}
SELECT count(*) FROM gone
"""  # noqa: S608
# A volume that a writer of new lines has locked is in use, and this must not wait for it with others locked.
_FORGET_EMPTY = """
DELETE FROM log_volumes WHERE robot_id IN (
    SELECT robot_id FROM log_volumes WHERE bytes <= 0 FOR UPDATE SKIP LOCKED) AND bytes <= 0
"""


def delete_expired_rows(connection: ColdConnection, kept: RetainedKind, before: Instant, limit: int) -> int:
    """Delete up to `limit` of the oldest rows of a kind that are older than `before`; returns their number.

    Jobs that another instance deletes at the same time are left to it.
    """
    if kept is RetainedKind.AUDIT:
        return retention_rows.delete_audit(connection, before, limit)
    if kept is RetainedKind.JOBS:
        return _deleted(connection, _DELETE_JOBS, before, limit)
    last = retention_rows.last_expired(connection, kept, before, limit)
    return 0 if last is None else _deleted(connection, _DELETE_LINES, last)


def delete_lines_of_robot(connection: ColdConnection, robot_id: str, limit: int) -> int:
    """Delete up to `limit` of the oldest lines of a robot; returns their number."""
    return _deleted(connection, _DELETE_LINES_OF_ROBOT, robot_id, limit)


def _deleted(connection: ColdConnection, statement: str, *values: object) -> int:
    number = int(connection.execute(statement, values).fetchone()[0])
    if number:
        connection.execute(_FORGET_EMPTY)
    return number
