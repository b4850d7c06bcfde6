"""Failures grouped by cause, on SQLite.

Only for SQLite: a bare column beside `max()` has the value of the row that holds the maximum.
"""

import sqlite3

from casare_rpa.domain.instants import FOREVER, Instant
from casare_rpa.domain.statistics import FailureGroup, FailureGrouping
from casare_rpa.infrastructure.orchestrator.storage.sqlite.id_lists import jobs_by_id

# `min()` needs a separate statement: with two aggregates, a bare column would come from an arbitrary row.
FAILURES = """
WITH seen AS MATERIALIZED (
    SELECT fingerprint, finished_at, job_id FROM jobs INDEXED BY jobs_failures
    WHERE fingerprint IS NOT NULL AND finished_at >= :since AND finished_at < :until
    AND (:tenant_id IS NULL OR tenant_id = :tenant_id)
    ORDER BY finished_at DESC LIMIT :scanned + 1
),
scanned AS MATERIALIZED (SELECT * FROM seen LIMIT :scanned),
newest AS (
    SELECT fingerprint, count(*) AS number, max(finished_at) AS last_at, job_id FROM scanned GROUP BY fingerprint
),
oldest AS (SELECT fingerprint, min(finished_at) AS first_at FROM scanned GROUP BY fingerprint)
SELECT fingerprint, number, first_at, last_at, job_id, (SELECT count(*) FROM seen)
FROM newest JOIN oldest USING (fingerprint) ORDER BY number DESC, last_at DESC, fingerprint LIMIT :most
"""


def failures(
    connection: sqlite3.Connection,
    tenant_id: str | None,
    since: Instant,
    until: Instant | None,
    limit: int,
    scanned: int,
) -> FailureGrouping:
    """Up to `limit` groups of the newest `scanned` failures from `since` and before `until`, largest first."""
    end = FOREVER if until is None else until
    parameters = {"since": since, "until": end, "tenant_id": tenant_id, "most": limit, "scanned": scanned}
    rows = connection.execute(FAILURES, parameters).fetchall()
    last = jobs_by_id(connection, [row[4] for row in rows])
    groups = [
        FailureGroup(fingerprint, number, Instant(first), Instant(newest), last[job_id])
        for fingerprint, number, first, newest, job_id, _ in rows
    ]
    seen = rows[0][5] if rows else 0
    return FailureGrouping(groups, min(seen, scanned), seen > scanned)
