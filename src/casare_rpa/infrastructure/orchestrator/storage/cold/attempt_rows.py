"""The statement on attempts to sign in. Portable."""

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant
from casare_rpa.domain.limits import RateLimit
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement

MOST_AHEAD_SECONDS = 60
"""An attempt waits this long at most, also after a time that a wrong clock stored."""
# The generic cell rate algorithm: `free_at` is the time at which the whole burst is free again. One statement, so that
# attempts at the same time on several instances count one after the other.
_COUNT = Statement(
    """
INSERT INTO login_attempts (account, free_at) VALUES (:account, :first)
ON CONFLICT (account) DO UPDATE SET free_at = :interval + CASE
    WHEN login_attempts.free_at < :at THEN :at
    WHEN login_attempts.free_at > :latest THEN :latest
    ELSE login_attempts.free_at END
RETURNING free_at
"""
)


def attempt(connection: SqlConnection, account: str, limit: RateLimit, at: Instant) -> float:
    """Count an attempt; returns the seconds until it may be checked."""
    interval = round(MICROSECONDS_PER_SECOND / limit.per_second)
    burst = round(limit.burst * interval)
    latest = at + burst + MOST_AHEAD_SECONDS * MICROSECONDS_PER_SECOND
    rows = _COUNT.run(
        connection, account=account, first=at + interval, interval=interval, at=at, latest=latest
    ).fetchall()
    free_at = int(rows[0][0])
    return max(0, free_at - burst - at) / MICROSECONDS_PER_SECOND
