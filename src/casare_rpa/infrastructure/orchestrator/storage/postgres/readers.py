"""The reader threads, each with a connection of its own. Implements `tables.access.Reads`.

As on every backend, three groups of threads keep slow reads away from fast ones: look-ups of single rows, reads of the
server itself, and searches of users, which have a time limit.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import asyncpg

from casare_rpa.domain.errors import SearchTooLong, StoreUnavailable
from casare_rpa.infrastructure.orchestrator.storage.batcher import CLOSED
from casare_rpa.infrastructure.orchestrator.storage.postgres.cold_connection import (
    ColdConnection,
    SearchLimit,
    ThreadConnection,
)
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import COLD, Purpose, Target, unavailable
from casare_rpa.infrastructure.orchestrator.storage.tables.access import Pace

READERS = 2
SEARCHERS = 1
SEARCH_SECONDS = 2.0
"""How long a search may run."""
T = TypeVar("T")


class TimedSearch:
    """The pace of a search, which is limited as a whole. Implements `tables.access.Pace`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._limit: SearchLimit | None = None
        self._stopped = threading.Event()

    def may_continue(self) -> bool:
        return not self._stopped.is_set()

    def run(self, connection: ColdConnection, act: Callable[[ColdConnection, Pace], T]) -> T:
        """Run it in the thread of the connection. The time counts from here."""
        self._limit = SearchLimit(connection, self._seconds)
        with self._limit:
            if self._stopped.is_set():
                raise asyncpg.QueryCanceledError("its caller was cancelled")
            return act(connection, self)

    def stop(self) -> None:
        """End its statement on the server, if one runs. For any thread."""
        self._stopped.set()
        if self._limit is not None:
            self._limit.stop()


class _Group:
    """Threads for one kind of reads."""

    def __init__(self, target: Target, purpose: Purpose, threads: int) -> None:
        self._target = target
        self._purpose = purpose
        self._threads = ThreadPoolExecutor(threads, f"store {purpose.name}")
        self._local = threading.local()
        self._opened: list[ThreadConnection] = []

    def submit(self, act: Callable[[ColdConnection], T]) -> "Future[T]":
        return self._threads.submit(self._run, act)

    def _run(self, act: Callable[[ColdConnection], T]) -> T:
        connection: ThreadConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = ThreadConnection(self._target, self._purpose)
            self._opened.append(connection)
        return connection.run(act)

    def close(self) -> None:
        self._threads.shutdown()
        for connection in self._opened:
            connection.close()


class PostgresReaders:
    """Reads committed data. Create it inside the event loop that uses it."""

    def __init__(self, target: Target, *, search_seconds: float = SEARCH_SECONDS) -> None:
        self._loop = asyncio.get_running_loop()
        self._search_seconds = search_seconds
        self._lookups = _Group(target, Purpose("lookup", COLD.statement_seconds, COLD.settings), 1)
        self._reads = _Group(target, Purpose("reader", COLD.statement_seconds, COLD.settings), READERS)
        self._searches = _Group(target, Purpose("search", search_seconds, COLD.settings), SEARCHERS)
        self._closed = False

    async def read(self, act: Callable[[ColdConnection], T]) -> T:
        """Run a read of the server itself. Raises StoreUnavailable."""
        return await self._run(self._reads, act)

    async def look_up(self, act: Callable[[ColdConnection], T]) -> T:
        """Run a read of one row or a few. Raises StoreUnavailable."""
        return await self._run(self._lookups, act)

    async def search(self, act: Callable[[ColdConnection, Pace], T]) -> T:
        """Run a read that a user requested.

        Cancelling the caller ends the statement on the server too.

        Raises:
            SearchTooLong: it ran for `search_seconds`.
            StoreUnavailable: the database cannot be read.
        """
        search = TimedSearch(self._search_seconds)
        try:
            return await self._run(self._searches, lambda connection: search.run(connection, act))
        except StoreUnavailable as error:
            if isinstance(error.__cause__, asyncpg.QueryCanceledError):
                raise SearchTooLong(self._search_seconds) from None
            raise
        finally:
            search.stop()

    async def _run(self, group: _Group, act: Callable[[ColdConnection], T]) -> T:
        if self._closed:
            raise StoreUnavailable(CLOSED)
        try:
            return await asyncio.wrap_future(group.submit(act))
        except asyncpg.PostgresError as error:
            raise unavailable(error) from error

    async def close(self) -> None:
        """Finish the running reads, then close the connections. Later reads raise StoreUnavailable."""
        self._closed = True
        for group in (self._lookups, self._reads, self._searches):
            await self._loop.run_in_executor(None, group.close)
