"""The threads of the store: one that writes, in groups, and a few that read.

All writes go through one connection in one thread. It takes everything that waits, merges operations of the same
kind into one call, and commits once (group commit); nobody is answered before. Readers have read-only
connections of their own and never wait for the writer.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.statistics import StoreStatistics
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints

logger = logging.getLogger(__name__)

MAX_WAITING = 50_000
READERS = 2
BUSY_SECONDS = 10.0
CHECKPOINT_PAGES = 8_000
"""Of 4 KiB. A checkpoint writes each page once, however often it was written since the last one: with SQLite's own
1,000, ten thousand robots at work would have ten a second, of nearly as many pages each. It stays with the one
connection that writes: a second one would meet a bug of SQLite before 3.51.3 that damages databases."""
_COLD = "cold"
T = TypeVar("T")

BatchFunction = Callable[[sqlite3.Connection, Sequence[Any]], Sequence[Any]]
"""Does all calls of one kind at once: the calls' arguments in order → their results in order."""


@dataclass(slots=True)
class _Operation:
    kind: str
    argument: Any
    future: asyncio.Future[Any]


@dataclass(slots=True)
class _Look:
    act: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any]

    def answer(self, connection: sqlite3.Connection) -> tuple[Any, Exception | None]:
        """In a reader's thread: the result or the error, each of its own."""
        try:
            return self.act(connection), None
        except sqlite3.Error as error:
            return None, StoreUnavailable(f"the store cannot be read: {error}")
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            return None, error


_Outcome = tuple[_Operation, Any, BaseException | None]
"""What came of an operation: its result, or its error."""
_BAD_CALL = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError)


def _answers(looks: Sequence[_Look], connection: sqlite3.Connection) -> list[tuple[Any, Exception | None]]:
    return [look.answer(connection) for look in looks]


class Runner:
    """Owns the connections. Create it inside the loop that uses it."""

    def __init__(
        self,
        path: Path,
        hot: dict[str, BatchFunction],
        *,
        reload: Sequence[Callable[[sqlite3.Connection], None]],
        failpoints: Failpoints,
        trace: Callable[[str], None] | None,
    ) -> None:
        self._path = path
        self._hot = hot
        self._reload = reload
        self._failpoints = failpoints
        self._trace = trace
        self._loop = asyncio.get_running_loop()
        self._waiting: queue.SimpleQueue[_Operation | None] = queue.SimpleQueue()
        self._room = asyncio.Semaphore(MAX_WAITING)
        self._closed = False
        self._stale = False
        self._commits = 0
        self._failures = 0
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._local = threading.local()
        self._readers = ThreadPoolExecutor(READERS, "store reader")
        self._looks: list[_Look] = []
        self._looking: asyncio.Task[None] | None = None
        self._reader_connections: list[sqlite3.Connection] = []
        self._writer = threading.Thread(target=self._write_all, name="store writer", daemon=True)

    async def start(self) -> None:
        """Raises StoreUnavailable when the database cannot be opened."""
        self._writer.start()
        await self._opened

    # Callers, in the loop

    async def hot(self, kind: str, argument: Any) -> Any:  # noqa: ANN401 - each kind has its own types
        """One call of a batch function; durable when it returns."""
        return await self._submit(kind, argument)

    async def write(self, act: Callable[[sqlite3.Connection], T]) -> T:
        """A cold write: alone in a savepoint, so that its error is its own; durable when it returns."""
        result: T = await self._submit(_COLD, act)
        return result

    async def read(self, act: Callable[[sqlite3.Connection], T]) -> T:
        """A look at what is committed."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        try:
            return await self._loop.run_in_executor(self._readers, self._read, act)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error

    async def look(self, act: Callable[[sqlite3.Connection], T]) -> T:
        """A look at a row or a few, for which the way to another thread costs more than the look itself: all that are
        asked for in one turn of the loop, or while others are looked at, go there together."""
        look = _Look(act, self._loop.create_future())
        self._looks.append(look)
        if self._looking is None or self._looking.done():
            self._looking = self._loop.create_task(self._look_together(), name="store looks")
        result: T = await look.future
        return result

    async def _look_together(self) -> None:
        await asyncio.sleep(0)  # what else this turn asks for
        while self._looks:
            looks, self._looks = self._looks, []
            try:
                answers = await self.read(partial(_answers, looks))
            except StoreUnavailable as error:
                answers = [(None, error)] * len(looks)
            for look, (result, failure) in zip(looks, answers, strict=True):
                if look.future.done():
                    continue  # whoever asked has left
                if failure is None:
                    look.future.set_result(result)
                else:
                    look.future.set_exception(failure)

    async def _submit(self, kind: str, argument: Any) -> Any:  # noqa: ANN401
        if self._closed:
            raise StoreUnavailable("the store is closed")
        future: asyncio.Future[Any] = self._loop.create_future()
        async with self._room:
            if self._closed:  # it was closed while this call waited for room: nobody would take it any more
                raise StoreUnavailable("the store is closed")
            self._waiting.put(_Operation(kind, argument, future))
            return await future

    def statistics(self) -> StoreStatistics:
        return StoreStatistics(self._commits, self._waiting.qsize(), self._failures)

    async def close(self) -> None:
        """Write what waits, checkpoint, close."""
        if self._closed:
            return
        self._closed = True
        self._waiting.put(None)
        await self._loop.run_in_executor(None, self._writer.join)
        await self._loop.run_in_executor(None, self._readers.shutdown)
        for connection in self._reader_connections:
            connection.close()

    # Readers, each in its thread

    def _read(self, act: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS, check_same_thread=False
            )
            connection.execute("PRAGMA query_only = 1")
            self._local.connection = connection
            self._reader_connections.append(connection)
        return act(connection)

    # The writer, in its thread

    def _write_all(self) -> None:
        try:
            connection = self._open()
        except Exception as error:  # noqa: BLE001 - told to whoever opens the store
            unavailable = StoreUnavailable(f"the database {self._path} cannot be opened: {error}")
            self._tell(self._opened, error=unavailable)
            return
        self._tell(self._opened)
        while (first := self._waiting.get()) is not None:
            batch = [first]
            last = False
            while not self._waiting.empty():
                operation = self._waiting.get()
                if operation is None:
                    last = True
                    break
                batch.append(operation)
            outcomes = self._commit(connection, batch)
            self._loop.call_soon_threadsafe(_resolve, outcomes)
            if last:
                break
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            logger.warning("the write-ahead log stays as it is: %s", error)  # the next start takes it in
        connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        connection.execute("PRAGMA mmap_size = 0")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -65536")
        self._remember_anew(connection)
        if self._trace is not None:
            connection.set_trace_callback(self._trace)
        return connection

    def _commit(self, connection: sqlite3.Connection, batch: list[_Operation]) -> list[_Outcome]:
        """One transaction; answers what to tell each caller."""
        outcomes: list[_Outcome] = []
        committed = False
        try:
            if self._stale:
                self._start_over(connection)
            connection.execute("BEGIN IMMEDIATE")
            for kind, operations in _by_kind(batch).items():
                outcomes.extend(
                    _one_by_one(connection, operations)
                    if kind == _COLD
                    else self._together(connection, kind, operations)
                )
            self._failpoints.hit("store.commit")
            connection.execute("COMMIT")
            committed = True
            self._commits += 1
            self._failpoints.hit("store.committed")
        except Exception as error:  # the edge of the writer: told to everyone in this transaction
            self._failures += 1
            logger.error("the store could not commit %d operations: %s", len(batch), error, exc_info=True)  # noqa: G201
            self._stale = True  # made good before the next transaction, however long that takes
            unavailable = StoreUnavailable(
                "the store committed, but could not answer; ask what became of it"
                if committed
                else "the store could not commit; nothing was written, try again"
            )
            outcomes = [(operation, None, unavailable) for operation in batch]
        return outcomes

    def _together(self, connection: sqlite3.Connection, kind: str, operations: Sequence[_Operation]) -> list[_Outcome]:
        """All calls of a hot kind at once; when one of them is bad, each by itself, so that its error is its own."""
        results, error = _isolated(connection, lambda: self._hot[kind](connection, [op.argument for op in operations]))
        if error is None:
            return [(op, result, None) for op, result in zip(operations, results, strict=True)]
        self._remember_anew(connection)
        if len(operations) > 1:
            return [one for operation in operations for one in self._together(connection, kind, [operation])]
        logger.error("a call of %s was bad: %r", kind, error, exc_info=error)
        return [
            (operations[0], None, StoreUnavailable(f"the store could not do this; nothing of it was written: {error}"))
        ]

    def _start_over(self, connection: sqlite3.Connection) -> None:
        """After a failed transaction: undo what is left of it, and forget what was remembered of it.

        When this fails too, so does the transaction that asked for it, and the next one tries again: an error never
        ends the writer.
        """
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        self._remember_anew(connection)
        self._stale = False

    def _remember_anew(self, connection: sqlite3.Connection) -> None:
        """What was remembered may be of what is undone."""
        for reload in self._reload:
            reload(connection)

    def _tell(self, future: asyncio.Future[None], error: Exception | None = None) -> None:
        def tell() -> None:
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(None)

        self._loop.call_soon_threadsafe(tell)


def _by_kind(batch: Sequence[_Operation]) -> dict[str, list[_Operation]]:
    """Operations of each kind, in order; what one turn brings has no order between kinds."""
    kinds: dict[str, list[_Operation]] = {}
    for operation in batch:
        kinds.setdefault(operation.kind, []).append(operation)
    return kinds


def _one_by_one(connection: sqlite3.Connection, operations: Sequence[_Operation]) -> list[_Outcome]:
    """Cold writes: an error of one undoes that one only."""
    outcomes: list[_Outcome] = []
    for operation in operations:
        act: Callable[[sqlite3.Connection], Any] = operation.argument
        outcomes.append((operation, *_isolated(connection, partial(act, connection))))
    return outcomes


def _isolated(connection: sqlite3.Connection, act: Callable[[], Any]) -> tuple[Any, Exception | None]:
    """The result of `act`, or its error with all of it undone.

    Raises:
        sqlite3.Error: it is the database that fails (full, unreadable), which is everyone's matter.
    """
    connection.execute("SAVEPOINT one")
    result, failure = None, None
    try:
        result = act()
    except Exception as error:  # the edge of one call: told to its caller
        if isinstance(error, sqlite3.Error) and not isinstance(error, _BAD_CALL):
            raise
        connection.execute("ROLLBACK TO one")
        failure = error
    connection.execute("RELEASE one")
    return result, failure


def _resolve(outcomes: Sequence[_Outcome]) -> None:
    """Tell the callers, in the loop; one that gave up waiting is passed over."""
    for operation, result, error in outcomes:
        if operation.future.done():
            continue
        if error is not None:
            operation.future.set_exception(error)
        else:
            operation.future.set_result(result)
