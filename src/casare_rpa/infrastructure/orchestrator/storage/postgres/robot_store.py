"""The part of the store on PostgreSQL on robots that are connected: sessions, heartbeats, orders."""

from casare_rpa.infrastructure.orchestrator.storage.postgres.base import PostgresTables


class PostgresRobots(PostgresTables):
    """Implements parts of the store's ports."""
