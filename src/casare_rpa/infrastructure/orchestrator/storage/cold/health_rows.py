"""The row of the readiness check. Portable."""

from casare_rpa.domain.instants import Instant
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement

_WRITE = Statement(
    "INSERT INTO health (health_id, written_at) VALUES (1, :moment) "
    "ON CONFLICT (health_id) DO UPDATE SET written_at = excluded.written_at"
)


def write(connection: SqlConnection, at: Instant) -> None:
    """Replace the one row, so that the table does not grow."""
    _WRITE.run(connection, moment=at)
