"""The connections that all parts of the store on PostgreSQL share."""

from collections.abc import Mapping
from typing import Any

from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.postgres.cold_writes import ColdWrites
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.hot_writer import HotCommand, HotWriter
from casare_rpa.infrastructure.orchestrator.storage.postgres.readers import PostgresReaders
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits
from casare_rpa.infrastructure.orchestrator.storage.tables.job_tables import JobTables


class PostgresTables(JobTables):
    """The portable methods on PostgreSQL, and the writers of the hot commands.

    A part of the store adds its writers in its `__init__` with `_hot`.
    """

    def __init__(self, target: Target, failpoints: Failpoints, limits: StoreLimits, tally_slot: int) -> None:
        """Create it inside the event loop that uses it. `tally_slot`: where this instance counts its changes."""
        self._target = target
        self._failpoints = failpoints
        self._tally_slot = tally_slot
        self._readers = PostgresReaders(target)
        self._cold_writes = ColdWrites(target, failpoints)
        self._writers: list[HotWriter[Any, Any]] = []
        super().__init__(self._readers, self._cold_writes, limits)

    def _hot(
        self, name: str, command: HotCommand[Any, Any], settings: Mapping[str, str] | None = None
    ) -> HotWriter[Any, Any]:
        """A writer with a connection of its own, which `close` ends with the others."""
        writer = HotWriter(name, command, self._target, self._failpoints, settings)
        self._writers.append(writer)
        return writer
