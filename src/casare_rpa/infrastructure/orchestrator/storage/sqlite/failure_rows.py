"""Failures grouped by tenant and cause, on SQLite.

Only for SQLite: a bare column beside `max()` has the value of the row that holds the maximum.
"""

import sqlite3
from collections import Counter
from dataclasses import dataclass

from casare_rpa.domain.failure_groups import FailureGroup, FailureGrouping, FailureSpan, GroupKey, GroupNote, Mute
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant
from casare_rpa.infrastructure.orchestrator.storage.sqlite.id_lists import jobs_by_id

GROUPS = """
WITH seen AS MATERIALIZED (
    SELECT tenant_id, fingerprint, finished_at, job_id FROM jobs INDEXED BY jobs_failures
    WHERE fingerprint IS NOT NULL AND finished_at >= :since AND finished_at < :until
    AND (:tenant_id IS NULL OR tenant_id = :tenant_id)
    ORDER BY finished_at DESC LIMIT :scanned + 1
),
scanned AS MATERIALIZED (SELECT * FROM seen LIMIT :scanned),
newest AS (
    SELECT tenant_id, fingerprint, count(*) AS number, max(finished_at) AS last_at, job_id
    FROM scanned GROUP BY tenant_id, fingerprint
)
SELECT newest.tenant_id, newest.fingerprint, number, last_at, job_id, note, owner, muted_at, muted_by, muted_until,
    (SELECT count(*) FROM seen), (SELECT min(finished_at) FROM scanned)
FROM newest LEFT JOIN failure_notes USING (tenant_id, fingerprint)
ORDER BY number DESC, last_at DESC, newest.fingerprint, newest.tenant_id
"""
# One seek of the index for each group, however many failures it has.
_FIRST = """
SELECT min(finished_at) FROM jobs INDEXED BY jobs_of_failure_groups
WHERE fingerprint IS NOT NULL AND fingerprint = ? AND tenant_id = ?
"""
_NEWEST = """
SELECT finished_at, job_id FROM jobs INDEXED BY jobs_of_failure_groups
WHERE fingerprint IS NOT NULL AND fingerprint = ? AND tenant_id = ? ORDER BY finished_at DESC LIMIT 1
"""
_BARS = """
SELECT finished_at / ?, robot_id, count(*) FROM (
    SELECT finished_at, robot_id FROM jobs INDEXED BY jobs_of_failure_groups
    WHERE fingerprint IS NOT NULL AND fingerprint = ? AND tenant_id = ? AND finished_at >= ? AND finished_at < ?
    ORDER BY finished_at DESC LIMIT ?
) GROUP BY 1, 2
"""
_NOTE = """
SELECT note, owner, muted_at, muted_by, muted_until FROM failure_notes WHERE tenant_id = ? AND fingerprint = ?
"""
NO_NOTE = ("", "", None, None, None)


@dataclass(frozen=True, slots=True)
class _Found:
    key: GroupKey
    number: int
    last_at: Instant
    job_id: str
    note: GroupNote


def failures(
    connection: sqlite3.Connection,
    tenant_id: str | None,
    span: FailureSpan,
    limit: int,
    scanned: int,
    *,
    muted: bool | None = None,
) -> FailureGrouping:
    """Up to `limit` groups of the newest `scanned` failures of a span, largest first.

    `muted` selects the muted groups or the others.
    """
    names = {"since": span.since, "until": span.until, "tenant_id": tenant_id, "scanned": scanned}
    rows = connection.execute(GROUPS, names).fetchall()
    found = [
        _Found(GroupKey(row[0], row[1]), row[2], Instant(row[3]), row[4], _note_of(row[5:10], span.now)) for row in rows
    ]
    quiet = [one for one in found if one.note.muted is not None]
    chosen = [one for one in found if muted is None or (one.note.muted is not None) is muted][:limit]
    last = jobs_by_id(connection, [one.job_id for one in chosen])
    seen, oldest = (rows[0][10], Instant(rows[0][11])) if rows else (0, span.since)
    groups = []
    for one in chosen:
        trend, robots, _ = _bars(connection, one.key, span, max(oldest, span.since), scanned)
        first = _first_at(connection, one.key)
        groups.append(FailureGroup(one.key, one.number, first, one.last_at, last[one.job_id], trend, robots, one.note))
    return FailureGrouping(groups, min(seen, scanned), seen > scanned, len(quiet), sum(one.number for one in quiet))


def group(connection: sqlite3.Connection, key: GroupKey, span: FailureSpan, scanned: int) -> FailureGroup | None:
    """One group; `None` without a stored failure. Its count is that of the span, up to `scanned`."""
    newest = connection.execute(_NEWEST, (key.fingerprint, key.tenant_id)).fetchone()
    if newest is None:
        return None
    last_at, job_id = Instant(newest[0]), newest[1]
    row = connection.execute(_NOTE, (key.tenant_id, key.fingerprint)).fetchone()
    trend, robots, count = _bars(connection, key, span, span.since, scanned)
    last = jobs_by_id(connection, [job_id])[job_id]
    first, note = _first_at(connection, key), _note_of(row or NO_NOTE, span.now)
    return FailureGroup(key, count, first, last_at, last, trend, robots, note)


def _first_at(connection: sqlite3.Connection, key: GroupKey) -> Instant:
    return Instant(connection.execute(_FIRST, (key.fingerprint, key.tenant_id)).fetchone()[0])


def _bars(
    connection: sqlite3.Connection, key: GroupKey, span: FailureSpan, since: Instant, scanned: int
) -> tuple[list[int], Counter[str], int]:
    """The failures of a group for each bar of the span, for each robot, and in all."""
    length, bars = span.bar_seconds * MICROSECONDS_PER_SECOND, span.bars
    trend, robots, count = [0] * len(bars), Counter[str](), 0
    values = (length, key.fingerprint, key.tenant_id, since, span.until, scanned)
    for bar, robot_id, number in connection.execute(_BARS, values):
        count += number
        if bar in bars:  # a clock that stepped back leaves ends in the future
            trend[bar - bars.start] += number
        if robot_id is not None:
            robots[robot_id] += number
    return trend, robots, count


def _note_of(row: tuple[str | None, str | None, int | None, str | None, int | None], now: Instant) -> GroupNote:
    """The note of a row. A mute that has ended is none."""
    note, owner, at, by, until = row
    ended = at is None or (until is not None and until <= now)
    muted = None if ended else Mute(Instant(at or 0), by or "", None if until is None else Instant(until))
    return GroupNote(note or "", owner or "", muted)
