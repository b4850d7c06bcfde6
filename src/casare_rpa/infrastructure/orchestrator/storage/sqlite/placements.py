"""Reads the placements of pending jobs from the file, for the index of the writer thread."""

import sqlite3

from casare_rpa.domain.instants import Instant
from casare_rpa.infrastructure.orchestrator.storage.cold.queue_rows import (
    ALL_PLACEMENTS,
    PLACEMENTS,
    placement_range,
)
from casare_rpa.infrastructure.orchestrator.storage.placements import Placements


class StoredPlacements(Placements):
    """The index, kept up to date with the file. Implements `driver.WriterCache`."""

    def __init__(self) -> None:
        super().__init__()
        self._behind = False
        """Whether other writers committed since all placements were read."""

    def reload(self, connection: sqlite3.Connection) -> None:
        """Read all placements from the store. Necessary after a rollback."""
        self.clear()
        self._behind = False
        self.add_texts(_ready(connection))

    def follow(self, connection: sqlite3.Connection) -> None:  # noqa: ARG002 - read by the next claim that may do so
        """Other writers committed: `follow_others` reads the placements."""
        self._behind = True

    def follow_others(self, connection: sqlite3.Connection, at: Instant) -> None:
        """Add the placements of other writers, unless they were read a moment ago."""
        if self._behind and not self.is_pausing(at):
            self.catch_up(_ready(connection), at)
            self._behind = False


def _ready(connection: sqlite3.Connection) -> list[str]:
    """The placements of all jobs that are ready, as texts of the store."""
    return [row[0] for row in PLACEMENTS.run(connection, **placement_range(None), most=ALL_PLACEMENTS)]
