"""Failures grouped by tenant and cause. Portable."""

from collections import Counter
from dataclasses import dataclass

from casare_rpa.domain.failure_groups import FailureGroup, FailureGrouping, FailureSpan, GroupKey, GroupNote, Mute
from casare_rpa.domain.instants import FOREVER, MICROSECONDS_PER_SECOND, Instant
from casare_rpa.domain.job import Job
from casare_rpa.infrastructure.orchestrator.storage.rows import JOB_SELECT, job_of
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement

GROUPS = Statement(
    """
WITH seen AS MATERIALIZED (
    SELECT tenant_id, fingerprint, finished_at FROM jobs [INDEXED BY jobs_failures]
    WHERE fingerprint IS NOT NULL AND finished_at >= :since AND finished_at < :until
    AND (tenant_id = :tenant_id OR :tenant_id IS NULL)
    ORDER BY finished_at DESC LIMIT :scanned + 1
),
scanned AS MATERIALIZED (SELECT * FROM seen ORDER BY finished_at DESC LIMIT :scanned),
newest AS (
    SELECT tenant_id, fingerprint, count(*) AS number, max(finished_at) AS last_at
    FROM scanned GROUP BY tenant_id, fingerprint
)
SELECT newest.tenant_id, newest.fingerprint, number, last_at, note, owner, muted_at, muted_by, muted_until,
    (SELECT count(*) FROM seen), (SELECT min(finished_at) FROM scanned)
FROM newest LEFT JOIN failure_notes
    ON failure_notes.tenant_id = newest.tenant_id AND failure_notes.fingerprint = newest.fingerprint
ORDER BY number DESC, last_at DESC, newest.fingerprint, newest.tenant_id
"""
)
# One seek of the index for each group, however many failures it has.
_FIRST = Statement(
    """
SELECT min(finished_at) FROM jobs [INDEXED BY jobs_of_failure_groups]
WHERE fingerprint IS NOT NULL AND fingerprint = :fingerprint AND tenant_id = :tenant_id
"""
)
_NEWEST = Statement(
    f"""
SELECT {JOB_SELECT} FROM jobs [INDEXED BY jobs_of_failure_groups]
WHERE fingerprint IS NOT NULL AND fingerprint = :fingerprint AND tenant_id = :tenant_id AND finished_at < :until
ORDER BY finished_at DESC LIMIT 1
"""  # noqa: S608 - our own names
)
_BARS = Statement(
    """
SELECT finished_at / :length AS bar, robot_id, count(*) FROM (
    SELECT finished_at, robot_id FROM jobs [INDEXED BY jobs_of_failure_groups]
    WHERE fingerprint IS NOT NULL AND fingerprint = :fingerprint AND tenant_id = :tenant_id
    AND finished_at >= :since AND finished_at < :until
    ORDER BY finished_at DESC LIMIT :scanned
) AS newest_failures GROUP BY bar, robot_id
"""
)
_NOTE = Statement(
    """
SELECT note, owner, muted_at, muted_by, muted_until FROM failure_notes
WHERE tenant_id = :tenant_id AND fingerprint = :fingerprint
"""
)
NO_NOTE = ("", "", None, None, None)


@dataclass(frozen=True, slots=True)
class _Found:
    key: GroupKey
    number: int
    last_at: Instant
    note: GroupNote


def failures(
    connection: SqlConnection,
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
    rows = GROUPS.run(connection, **names).fetchall()
    found = [_Found(GroupKey(row[0], row[1]), row[2], Instant(row[3]), _note_of(row[4:9], span.now)) for row in rows]
    quiet = [one for one in found if one.note.muted is not None]
    chosen = [one for one in found if muted is None or (one.note.muted is not None) is muted][:limit]
    seen, oldest = (rows[0][9], Instant(rows[0][10])) if rows else (0, span.since)
    groups = []
    for one in chosen:
        last = _newest(connection, one.key, span.until)
        if last is None:
            continue  # retention has deleted its jobs meanwhile
        trend, robots, _ = _bars(connection, one.key, span, max(oldest, span.since), scanned)
        first = _first_at(connection, one.key) or one.last_at
        groups.append(FailureGroup(one.key, one.number, first, one.last_at, last, trend, robots, one.note))
    return FailureGrouping(groups, min(seen, scanned), seen > scanned, len(quiet), sum(one.number for one in quiet))


def group(connection: SqlConnection, key: GroupKey, span: FailureSpan, scanned: int) -> FailureGroup | None:
    """One group; `None` without a stored failure. Its count is that of the span, up to `scanned`."""
    last = _newest(connection, key, FOREVER)
    if last is None or last.finished_at is None:
        return None
    row = _NOTE.run(connection, tenant_id=key.tenant_id, fingerprint=key.fingerprint).fetchone()
    trend, robots, count = _bars(connection, key, span, span.since, scanned)
    first, note = _first_at(connection, key) or last.finished_at, _note_of(row or NO_NOTE, span.now)
    return FailureGroup(key, count, first, last.finished_at, last, trend, robots, note)


def _newest(connection: SqlConnection, key: GroupKey, until: Instant) -> Job | None:
    """The last failure of a group before an instant."""
    row = _NEWEST.run(connection, fingerprint=key.fingerprint, tenant_id=key.tenant_id, until=until).fetchone()
    return job_of(row) if row else None


def _first_at(connection: SqlConnection, key: GroupKey) -> Instant | None:
    """The end of the first stored failure; `None` when retention has deleted all meanwhile."""
    first = _FIRST.run(connection, fingerprint=key.fingerprint, tenant_id=key.tenant_id).fetchone()[0]
    return None if first is None else Instant(first)


def _bars(
    connection: SqlConnection, key: GroupKey, span: FailureSpan, since: Instant, scanned: int
) -> tuple[list[int], Counter[str], int]:
    """The failures of a group for each bar of the span, for each robot, and in all."""
    length, bars = span.bar_seconds * MICROSECONDS_PER_SECOND, span.bars
    trend, robots, count = [0] * len(bars), Counter[str](), 0
    names = {"fingerprint": key.fingerprint, "tenant_id": key.tenant_id, "since": since, "until": span.until}
    for bar, robot_id, number in _BARS.run(connection, **names, length=length, scanned=scanned):
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
