"""The newest instant in the store. Portable."""

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant
from casare_rpa.domain.liveness import LEASE_SECONDS
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement

# The last history entry rather than the newest one: after a clock that was far in the future is corrected, the next
# entry corrects this too. Leases, and offers that are held, lie one lease ahead of the moment of the write at most.
NEWEST_INSTANT = Statement(
    """
SELECT max(at) FROM (
    SELECT at FROM (SELECT at FROM job_events ORDER BY event_id DESC LIMIT 1) AS last_entry
    UNION ALL SELECT max(last_seen_at) FROM robots
    UNION ALL SELECT max(lease_expires_at) - :lease FROM jobs WHERE lease_expires_at IS NOT NULL
    UNION ALL SELECT max(offer_expires_at) - :lease FROM jobs WHERE offer_expires_at IS NOT NULL
) AS instants
"""
)


def newest_instant(connection: SqlConnection) -> Instant | None:
    """The newest instant at which something is known to have been written; `None` in a new store."""
    found: Instant | None = NEWEST_INSTANT.run(connection, lease=LEASE_SECONDS * MICROSECONDS_PER_SECOND).fetchone()[0]
    return found
