"""The newest instant in the store. Portable."""

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant
from casare_rpa.domain.liveness import LEASE_SECONDS
from casare_rpa.infrastructure.orchestrator.storage.held_conditions import LEASED
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement

# The last history entry is used, not the one with the newest time. Otherwise entries from a clock that was far in the
# future would count after its correction. Leases and held offers end at most one lease after the time of the write.
NEWEST_INSTANT = Statement(
    f"""
SELECT max(at) FROM (
    SELECT at FROM (SELECT at FROM job_events ORDER BY event_id DESC LIMIT 1) AS last_entry
    UNION ALL SELECT max(last_seen_at) FROM robots
    UNION ALL SELECT max(lease_expires_at) - :lease FROM jobs WHERE lease_expires_at IS NOT NULL AND {LEASED}
    UNION ALL SELECT max(offer_expires_at) - :lease FROM jobs WHERE offer_expires_at IS NOT NULL
) AS instants
"""  # noqa: S608 - our own names
)


def newest_instant(connection: SqlConnection) -> Instant | None:
    """The newest stored instant of a write; `None` in a new store."""
    found: Instant | None = NEWEST_INSTANT.run(connection, lease=LEASE_SECONDS * MICROSECONDS_PER_SECOND).fetchone()[0]
    return found
