"""The part of the store on PostgreSQL on log lines and steps."""

from casare_rpa.infrastructure.orchestrator.storage.postgres.base import PostgresTables


class PostgresLogs(PostgresTables):
    """Implements parts of the store's ports."""
