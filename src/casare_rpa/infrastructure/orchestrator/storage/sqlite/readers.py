"""The reader threads. Each has its own read-only connection and never waits for the writer."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.storage.batcher import CLOSED
from casare_rpa.infrastructure.orchestrator.storage.sqlite.driver import BUSY_SECONDS

READERS = 2
T = TypeVar("T")


@dataclass(slots=True)
class _Lookup:
    act: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any]

    def run(self, connection: sqlite3.Connection) -> tuple[Any, Exception | None]:
        """In a reader's thread: the result, or the error of this lookup alone."""
        try:
            return self.act(connection), None
        except sqlite3.Error as error:
            return None, StoreUnavailable(f"the store cannot be read: {error}")
        except Exception as error:  # noqa: BLE001 - reported to the caller of `look_up`
            return None, error


def _run_all(lookups: Sequence[_Lookup], connection: sqlite3.Connection) -> list[tuple[Any, Exception | None]]:
    return [lookup.run(connection) for lookup in lookups]


class Readers:
    """Reads committed data. Create it inside the event loop that uses it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(READERS, "store reader")
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._lookups: list[_Lookup] = []
        self._round: asyncio.Task[None] | None = None
        self._closed = False

    async def read(self, act: Callable[[sqlite3.Connection], T]) -> T:
        """Run a read in a thread. Raises StoreUnavailable when the database cannot be read."""
        if self._closed:
            raise StoreUnavailable(CLOSED)
        try:
            return await self._loop.run_in_executor(self._threads, self._read, act)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error

    async def look_up(self, act: Callable[[sqlite3.Connection], T]) -> T:
        """Run a read of one row or a few.

        A switch to another thread and back costs more than such a read. All lookups of one turn of the loop, and all
        that arrive while others run, are therefore sent to the thread together.
        """
        lookup = _Lookup(act, self._loop.create_future())
        self._lookups.append(lookup)
        if self._round is None or self._round.done():
            self._round = self._loop.create_task(self._look_up_together(), name="store lookups")
        result: T = await lookup.future
        return result

    async def _look_up_together(self) -> None:
        await asyncio.sleep(0)  # so that the rest of this turn can add lookups
        while self._lookups:
            lookups, self._lookups = self._lookups, []
            try:
                answers = await self.read(partial(_run_all, lookups))
            except StoreUnavailable as error:
                answers = [(None, error)] * len(lookups)
            for lookup, (result, failure) in zip(lookups, answers, strict=True):
                if lookup.future.done():
                    continue  # the caller was cancelled
                if failure is None:
                    lookup.future.set_result(result)
                else:
                    lookup.future.set_exception(failure)

    def _read(self, act: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS, check_same_thread=False
            )
            connection.execute("PRAGMA query_only = 1")
            self._local.connection = connection
            self._connections.append(connection)
        return act(connection)

    async def close(self) -> None:
        """Finish the running reads, then close the connections. Later reads raise StoreUnavailable."""
        self._closed = True
        await self._loop.run_in_executor(None, self._threads.shutdown)
        for connection in self._connections:
            connection.close()
