"""Statements on used tickets. Portable."""

from sqlalchemy import bindparam, delete

from casare_rpa.domain.instants import Instant
from casare_rpa.infrastructure.orchestrator.storage.schema import spent_tickets
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement, insert_if_absent

# One statement, so that of several uses at the same time only one inserts the row.
_SPEND = insert_if_absent(spent_tickets, ("ticket_id", "expires_at"))
_DELETE = Statement(delete(spent_tickets).where(spent_tickets.c.expires_at < bindparam("before")))


def spend(connection: SqlConnection, ticket_id: str, until: Instant) -> bool:
    """Whether this is the first use of the ticket."""
    return _SPEND.run(connection, ticket_id=ticket_id, expires_at=until).rowcount == 1


def delete_expired(connection: SqlConnection, before: Instant) -> None:
    _DELETE.run(connection, before=before)
