"""The part of the store on PostgreSQL on jobs that change: submits, offers, reports, and the reads that follow them."""

from casare_rpa.infrastructure.orchestrator.storage.postgres.base import PostgresTables


class PostgresJobs(PostgresTables):
    """Implements parts of the store's ports."""
