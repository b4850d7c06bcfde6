"""Reads of many rows by their ids, which PostgreSQL takes as one array."""

from collections.abc import Sequence

from casare_rpa.domain.credentials import LoginSession
from casare_rpa.infrastructure.orchestrator.storage.cold import login_rows
from casare_rpa.infrastructure.orchestrator.storage.postgres.cold_connection import ColdConnection

_LOGINS = "SELECT * FROM sessions WHERE login_id = ANY($1::text[])"
_VALID_KEYS = "SELECT key_id FROM robot_keys WHERE key_id = ANY($1::text[]) AND revoked_at IS NULL"
_SPENT = "SELECT ticket_id FROM spent_tickets WHERE ticket_id = ANY($1::text[])"


def logins_with(connection: ColdConnection, login_ids: Sequence[str]) -> list[LoginSession]:
    """The login sessions that exist, ended ones included."""
    return [login_rows.login_of(tuple(row)) for row in connection.execute(_LOGINS, (list(login_ids),))]


def valid_keys_of(connection: ColdConnection, key_ids: Sequence[str]) -> set[str]:
    """The ids of those robot keys that exist and are not revoked."""
    return {row[0] for row in connection.execute(_VALID_KEYS, (list(key_ids),))}


def spent_of(connection: ColdConnection, ticket_ids: Sequence[str]) -> set[str]:
    """The ids of those tickets that were used."""
    return {row[0] for row in connection.execute(_SPENT, (list(ticket_ids),))}
