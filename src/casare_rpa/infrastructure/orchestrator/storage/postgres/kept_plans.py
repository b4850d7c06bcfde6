"""Decides when a connection keeps the plans of its statements: not before the table of jobs has rows.

For an empty table that was analyzed, all indexes cost the same, and a plan that reads a whole index is as cheap as a
look-up. A kept plan stays until the next analysis, however large the table is by then.
"""

import time

from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Connection

PAGES = 10
"""The size from which plans are kept. The planner takes a table that was never analyzed for as large."""
LOOK_SECONDS = 1.0
"""The time between two looks at a small table."""
LOOK_AGAIN_SECONDS = 60.0
"""The time between two looks at a table that was large enough. Retention can empty it."""
# The planner counts the pages itself, and takes the rows of a page from the last analysis, or from the columns.
_IS_FILLED = f"""
SELECT pg_relation_size(oid) >= {PAGES} * current_setting('block_size')::bigint AND (relpages = 0 OR reltuples > 0)
FROM pg_class WHERE oid = 'jobs'::regclass
"""  # noqa: S608 - our own names


class KeptPlans:
    """Whether the connection of one writer keeps plans."""

    def __init__(self, look_seconds: float = LOOK_SECONDS, look_again_seconds: float = LOOK_AGAIN_SECONDS) -> None:
        """The times between two looks, at a small table and at a larger one."""
        self._look_seconds = look_seconds
        self._look_again_seconds = look_again_seconds
        self._connection: Connection | None = None
        self._kept = False
        self._look_at = 0.0

    async def fit(self, connection: Connection) -> None:
        """Keep plans on the connection if the table is large enough now, and else make them each time."""
        if connection is self._connection and time.monotonic() < self._look_at:
            return
        kept = bool(await connection.fetchval(_IS_FILLED))
        if connection is not self._connection or kept is not self._kept:
            mode = "force_generic_plan" if kept else "force_custom_plan"
            await connection.execute(f"SET plan_cache_mode = '{mode}'")
        self._connection, self._kept = connection, kept
        self._look_at = time.monotonic() + (self._look_again_seconds if kept else self._look_seconds)
