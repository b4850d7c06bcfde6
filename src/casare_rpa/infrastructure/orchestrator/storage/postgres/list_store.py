"""The part of the store on PostgreSQL on lists of ids, failures and retention."""

from casare_rpa.infrastructure.orchestrator.storage.postgres.base import PostgresTables


class PostgresLists(PostgresTables):
    """Implements parts of the store's ports."""
