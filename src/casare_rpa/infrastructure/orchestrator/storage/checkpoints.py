"""The write-ahead log of SQLite, brought into the database beside the writer instead of inside one of its commits."""

import logging
import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

logger = logging.getLogger(__name__)

ROWS = 20_000
"""Rows written since the last checkpoint. A page is copied once, however often it was written meanwhile: with SQLite's
own 1,000 pages, ten thousand robots at work would have ten checkpoints a second, of nearly as many pages each."""
MOST_PAGES = 32_000
"""Of 4 KiB: a log that has grown so long is brought in by the commit that finds it so, whatever that takes."""
PASSIVE = "PRAGMA wal_checkpoint(PASSIVE)"


class Checkpoints:
    """Runs in the writer's thread, but for the copying, which has its own thread and connection."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "store checkpoint")
        self._copying: Future[None] | None = None
        self._rows = 0

    def tend(self, connection: sqlite3.Connection) -> None:
        """After a commit: begin to copy when there is enough.

        When that is done the writer brings in the few pages that came meanwhile: only a log that is through and
        through in the database begins anew with the next commit, instead of growing.
        """
        if self._copying is None:
            if connection.total_changes - self._rows >= ROWS:
                self._rows = connection.total_changes
                self._copying = self._thread.submit(self._copy)
        elif self._copying.done():
            self._copying = None
            try:
                connection.execute(PASSIVE)
            except sqlite3.Error as error:
                logger.warning("the write-ahead log goes on: %s", error)  # the next one takes it in

    def close(self) -> None:
        """Wait for what is being copied."""
        self._thread.shutdown()

    def _copy(self) -> None:
        try:
            connection = sqlite3.connect(self._path, isolation_level=None)
            try:
                connection.execute(PASSIVE)
            finally:
                connection.close()
        except sqlite3.Error as error:
            logger.warning("no checkpoint: %s", error)
