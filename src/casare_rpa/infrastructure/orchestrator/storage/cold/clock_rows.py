"""What the store knows of the time: when it was last written to."""

import sqlite3

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant
from casare_rpa.domain.liveness import LEASE_SECONDS

# The last entry of the history rather than the newest: once a clock that was far in the future is right again, the next
# entry makes up for it. Leases, and offers that are held, are written for the time of a lease at most.
NEWEST_INSTANT = """
SELECT max(at) FROM (
    SELECT at FROM (SELECT at FROM job_events ORDER BY event_id DESC LIMIT 1)
    UNION ALL SELECT max(last_seen_at) FROM robots
    UNION ALL SELECT max(lease_expires_at) - :lease FROM jobs WHERE lease_expires_at IS NOT NULL
    UNION ALL SELECT max(offer_expires_at) - :lease FROM jobs WHERE offer_expires_at IS NOT NULL
)
"""


def newest_instant(connection: sqlite3.Connection) -> Instant | None:
    """The newest instant at which something is known to have been written; `None` when nothing was yet."""
    lease = LEASE_SECONDS * MICROSECONDS_PER_SECOND
    found: Instant | None = connection.execute(NEWEST_INSTANT, {"lease": lease}).fetchone()[0]
    return found
