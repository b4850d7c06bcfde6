"""The reader threads. Each has its own read-only connection and never waits for the writer.

Three groups of threads keep slow reads away from fast ones: look-ups of single rows such as credentials, reads of the
server itself, and searches of users, which have a time limit.
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from casare_rpa.domain.errors import SearchTooLong, StoreUnavailable
from casare_rpa.infrastructure.orchestrator.storage.batcher import CLOSED
from casare_rpa.infrastructure.orchestrator.storage.sqlite.driver import BUSY_SECONDS
from casare_rpa.infrastructure.orchestrator.storage.sqlite.priority import give_way

logger = logging.getLogger(__name__)

READERS = 2
SEARCHERS = 2
SEARCH_SECONDS = 2.0
"""How long the SQL of one search may run."""
STOP_AGAIN_SECONDS = 0.02
UNPACED_SECONDS = 0.05
REST_SHARE = 3.0
T = TypeVar("T")


class Search:
    """A search in a thread, and how the event loop stops it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.stopped = False
        """Whether the search must end. A search of several statements asks `may_continue` between two of them."""
        self._stop = threading.Event()
        self._worked_seconds = 0.0
        self._resumed_at = time.monotonic()
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def run(self, connection: sqlite3.Connection, act: "Callable[[sqlite3.Connection, Search], T]") -> T:
        """In the thread: the result of `act`. Raises sqlite3.OperationalError when it was stopped."""
        with self._lock:
            if self.stopped:
                raise sqlite3.OperationalError("interrupted")
            self._connection = connection
        self._resumed_at = time.monotonic()
        try:
            return act(connection, self)
        finally:
            # Under the lock, so that a late `stop` cannot interrupt the next search of this connection.
            with self._lock:
                self._connection = None

    def may_continue(self) -> bool:
        """In the thread: after 0.05 s of work, rest three times as long as since the last rest. False when stopped.

        A search of large lines takes a core, and the event loop and the writer would wait for it on a small machine.
        """
        worked = time.monotonic() - self._resumed_at
        self._worked_seconds += worked
        if self._worked_seconds > UNPACED_SECONDS:
            self._stop.wait(REST_SHARE * worked)
        self._resumed_at = time.monotonic()
        return not self.stopped

    def stop(self) -> bool:
        """End the statement that runs, within one of its rows; returns whether the search still runs.

        SQLite ignores an interrupt while no statement runs, for example just before the first one: repeat the call.
        """
        self._stop.set()
        with self._lock:
            self.stopped = True
            if self._connection is not None:
                self._connection.interrupt()
            return self._connection is not None


@dataclass(slots=True)
class _Lookup:
    act: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any]

    def run(self, connection: sqlite3.Connection) -> tuple[Any, Exception | None]:
        """In a reader's thread: the result, or the error of this lookup alone."""
        try:
            return self.act(connection), None
        except sqlite3.Error as error:
            return None, unreadable(error)
        except Exception as error:  # noqa: BLE001 - reported to the caller of `look_up`
            return None, error


def unreadable(error: sqlite3.Error) -> StoreUnavailable:
    """The error for the caller. The details go to the log only: they are about the database, not about the request."""
    logger.error("the store cannot be read: %s", error, exc_info=error)
    return StoreUnavailable("the store cannot be read; the log of the server has the reason")


def _run_all(lookups: Sequence[_Lookup], connection: sqlite3.Connection) -> list[tuple[Any, Exception | None]]:
    return [lookup.run(connection) for lookup in lookups]


class Readers:
    """Reads committed data. Create it inside the event loop that uses it."""

    def __init__(self, path: Path, *, search_seconds: float = SEARCH_SECONDS) -> None:
        self._path = path
        self._search_seconds = search_seconds
        self._loop = asyncio.get_running_loop()
        self._readers = ThreadPoolExecutor(READERS, "store reader")
        self._lookup_thread = ThreadPoolExecutor(1, "store lookup")
        self._searchers = ThreadPoolExecutor(SEARCHERS, "store search", give_way)
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._lookups: list[_Lookup] = []
        self._round: asyncio.Task[None] | None = None
        self._closed = False

    async def read(self, act: Callable[[sqlite3.Connection], T]) -> T:
        """Run a read of the server itself in a thread. Raises StoreUnavailable when the database cannot be read."""
        return await self._read_in(self._readers, act)

    async def search(self, act: Callable[[sqlite3.Connection, Search], T]) -> T:
        """Run a read that a user requested, and whose cost depends on the stored rows.

        Cancelling the caller ends the statement too.

        Raises:
            SearchTooLong: it ran for `search_seconds`.
            StoreUnavailable: the database cannot be read.
        """
        if self._closed:
            raise StoreUnavailable(CLOSED)
        search = Search(self._search_seconds)
        try:
            return await self._loop.run_in_executor(self._searchers, self._search, search, act)
        except sqlite3.Error as error:
            if search.stopped:
                raise SearchTooLong(search.seconds) from None
            raise unreadable(error) from error
        finally:
            self._stop(search)

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
                answers = await self._read_in(self._lookup_thread, partial(_run_all, lookups))
            except StoreUnavailable as error:
                answers = [(None, error)] * len(lookups)
            for lookup, (result, failure) in zip(lookups, answers, strict=True):
                if lookup.future.done():
                    continue  # the caller was cancelled
                if failure is None:
                    lookup.future.set_result(result)
                else:
                    lookup.future.set_exception(failure)

    async def _read_in(self, threads: ThreadPoolExecutor, act: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed:
            raise StoreUnavailable(CLOSED)
        try:
            return await self._loop.run_in_executor(threads, self._read, act)
        except sqlite3.Error as error:
            raise unreadable(error) from error

    def _read(self, act: Callable[[sqlite3.Connection], T]) -> T:
        return act(self._connection())

    def _search(self, search: Search, act: Callable[[sqlite3.Connection, Search], T]) -> T:
        # The time counts from here, not from when the search began to wait for a thread.
        self._loop.call_soon_threadsafe(self._limit, search)
        return search.run(self._connection(), act)

    def _limit(self, search: Search) -> None:
        self._loop.call_later(search.seconds, self._stop, search)

    def _stop(self, search: Search) -> None:
        if search.stop():
            self._loop.call_later(STOP_AGAIN_SECONDS, self._stop, search)

    def _connection(self) -> sqlite3.Connection:
        """The connection of the current thread."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS, check_same_thread=False
            )
            connection.execute("PRAGMA query_only = 1")
            self._local.connection = connection
            self._connections.append(connection)
        return connection

    async def close(self) -> None:
        """Finish the running reads, then close the connections. Later reads raise StoreUnavailable."""
        self._closed = True
        for threads in (self._lookup_thread, self._readers, self._searchers):
            await self._loop.run_in_executor(None, threads.shutdown)
        for connection in self._connections:
            connection.close()
