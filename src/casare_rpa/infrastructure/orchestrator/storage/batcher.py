"""Group commit: one writer thread commits all waiting operations in one transaction. No SQL and no driver.

A caller submits one argument of a batch command and gets its result after the transaction is durable. The writer takes
all waiting operations, passes the operations of one command to one `execute`, and commits once. Under load, many
callers share one flush of the disk; an idle store still answers each call after one commit. A small transaction also
takes the operations that arrive while it executes, so that a claim can share the flush of the submit before it.

    callers (event loop)          writer thread
    submit(command, argument) ──▶ queue ──▶ begin · execute per command, each in a savepoint · commit
    future ◀────────────────────────────────────────────────── outcomes, in the order of commits
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.statistics import StoreStatistics
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints

logger = logging.getLogger(__name__)

MAX_WAITING = 50_000
"""The largest number of unanswered operations. Further callers wait for room."""
SMALL = 50
"""A transaction with fewer operations takes the later ones too, because they take less time than another flush."""
CLOSED = "the store is closed"

C = TypeVar("C")
A_contra = TypeVar("A_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)
A = TypeVar("A")
R = TypeVar("R")
C_contra = TypeVar("C_contra", contravariant=True)


class BatchCommand(Protocol[C_contra, A_contra, R_co]):
    """A kind of write that handles all its waiting calls at once."""

    def execute(self, connection: C_contra, calls: Sequence[A_contra]) -> Sequence[R_co]:
        """Do the calls in order, inside the open transaction, and return their results in the same order."""
        ...


class Driver(Protocol[C]):
    """The interface of a database for group commit. All calls come from the writer thread."""

    def connect(self) -> C: ...

    def begin(self, connection: C) -> None: ...

    def commit(self, connection: C) -> None: ...

    def rollback(self, connection: C) -> None:
        """Undo the open transaction, if there is one."""
        ...

    def savepoint(self, connection: C) -> None: ...

    def rollback_to_savepoint(self, connection: C) -> None: ...

    def release_savepoint(self, connection: C) -> None: ...

    def fails_transaction(self, error: Exception) -> bool:
        """Whether the database itself failed (full, unreadable), so that no call of the transaction can be kept."""
        ...

    def reload_caches(self, connection: C) -> None:
        """Read the caches of stored data again. Called after a rollback."""
        ...

    def disconnect(self, connection: C) -> None: ...


@dataclass(slots=True)
class Operation:
    """A waiting call. `command` is `None` for a single write, whose argument is a function of the connection."""

    command: BatchCommand[Any, Any, Any] | None
    argument: Any
    future: asyncio.Future[Any]


Outcome = tuple[Operation, Any, Exception | None]
"""An operation with its result, or with its error."""


class GroupCommit(Generic[C]):
    """Runs batches of operations, each batch as one transaction. Belongs to one thread at a time."""

    def __init__(self, driver: Driver[C], failpoints: Failpoints) -> None:
        self.commits = 0
        self.failures = 0
        self._driver = driver
        self._failpoints = failpoints
        self._dirty = False
        """The last transaction failed: it must be rolled back and the caches reloaded before the next one."""

    def run(
        self, connection: C, batch: Sequence[Operation], later: Callable[[], Sequence[Operation]] = tuple
    ) -> list[Outcome]:
        """One transaction. Never raises an Exception: each operation gets its result or its error.

        `later` returns the operations that arrived since the call. When the transaction fails, every operation gets
        StoreUnavailable.
        """
        operations = [*batch]
        committed = False
        try:
            if self._dirty:
                self._clean_up(connection)
            self._driver.begin(connection)
            outcomes = self._execute(connection, batch)
            if len(batch) < SMALL and (joined := later()):
                operations += joined
                outcomes += self._execute(connection, joined)
            if self._failpoints.active:
                self._failpoints.hit("store.commit")
            self._driver.commit(connection)
            # The writes are durable from here on: a later error must not say that nothing was written.
            committed = True
            self.commits += 1
            if self._failpoints.active:
                self._failpoints.hit("store.committed")
        except Exception as error:  # the edge of the writer: reported to every caller of this transaction
            self.failures += 1
            logger.error("the store could not commit %d operations: %s", len(operations), error, exc_info=error)
            self._dirty = True
            self._release(connection)
            unavailable = StoreUnavailable(
                "the store committed, but could not answer; read the result before you repeat the request"
                if committed
                else "the store could not commit; nothing was written, try again"
            )
            unavailable.__cause__ = error
            return [(operation, None, unavailable) for operation in operations]
        return outcomes

    def _release(self, connection: C) -> None:
        """Roll back a failed transaction at once if possible, because other writers wait for its locks."""
        try:
            self._driver.rollback(connection)
        except Exception as error:  # noqa: BLE001 - the next transaction tries it again
            logger.warning("the failed transaction could not be rolled back: %s", error)

    def _clean_up(self, connection: C) -> None:
        """Roll back a failed transaction, if it is still open, and read the caches again.

        If this fails too, the next transaction fails and tries it again. An error in ROLLBACK therefore never ends the
        writer, and no operation runs in an unfinished transaction.
        """
        self._driver.rollback(connection)
        self._driver.reload_caches(connection)
        self._dirty = False

    def _execute(self, connection: C, batch: Sequence[Operation]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        # Operations of one command run together. Callers in one batch wait at the same time, so the order of commands
        # is free; inside a command, the order of submission is kept.
        by_command: dict[BatchCommand[C, Any, Any] | None, list[Operation]] = {}
        for operation in batch:
            by_command.setdefault(operation.command, []).append(operation)
        for command, operations in by_command.items():
            if command is None:
                outcomes += [self._single(connection, operation) for operation in operations]
            else:
                calls = [operation.argument for operation in operations]
                results, error = self._isolated(connection, command.execute, calls)
                if error is None:
                    outcomes += [(one, result, None) for one, result in zip(operations, results, strict=True)]
                else:
                    outcomes += self._apart(connection, command, operations, error)
        return outcomes

    def _single(self, connection: C, operation: Operation) -> Outcome:
        return (operation, *self._isolated(connection, operation.argument))

    def _apart(
        self, connection: C, command: BatchCommand[C, Any, Any], operations: Sequence[Operation], error: Exception
    ) -> list[Outcome]:
        """Execute calls that failed together with `error` one by one, so that only the failing call gets the error."""
        if len(operations) == 1:
            logger.error("a call of %s failed: %r", type(command).__name__, error, exc_info=error)
            unavailable = StoreUnavailable(
                "the store could not do this; nothing of it was written; the server's log says why"
            )
            return [(operations[0], None, unavailable)]
        outcomes: list[Outcome] = []
        for operation in operations:
            results, failure = self._isolated(connection, command.execute, [operation.argument])
            if failure is None:
                outcomes.append((operation, results[0], None))
            else:
                outcomes += self._apart(connection, command, [operation], failure)
        return outcomes

    def _isolated(self, connection: C, act: Callable[..., Any], *arguments: object) -> tuple[Any, Exception | None]:
        """The result of `act(connection, *arguments)`, or its error with all its writes undone.

        Raises:
            Exception: the database itself failed, or the savepoint could not be undone; the transaction is lost.
        """
        self._driver.savepoint(connection)
        result, failure = None, None
        try:
            result = act(connection, *arguments)
        except Exception as error:  # the edge of one call: reported to its caller
            if self._driver.fails_transaction(error):
                raise  # the calls before this one cannot be kept either
            self._driver.rollback_to_savepoint(connection)
            self._driver.reload_caches(connection)  # they followed the writes that were undone
            failure = error
        self._driver.release_savepoint(connection)
        return result, failure


class Batcher(Generic[C]):
    """The writer thread and its queue. Create it inside the event loop that uses it."""

    def __init__(self, driver: Driver[C], failpoints: Failpoints, *, max_waiting: int = MAX_WAITING) -> None:
        self._driver = driver
        self._group = GroupCommit(driver, failpoints)
        self._loop = asyncio.get_running_loop()
        self._waiting: queue.SimpleQueue[Operation | None] = queue.SimpleQueue()
        self._room = asyncio.Semaphore(max_waiting)
        self._closed = False
        self._ended = False
        """Whether the writer thread took the end of the queue."""
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._write_all, name="store writer", daemon=True)

    async def start(self) -> None:
        """Start the writer thread, which opens the database. If the caller is cancelled, the thread has ended.

        Raises:
            StoreUnavailable: the database cannot be opened.
        """
        self._thread.start()
        try:
            # Without the shield, a cancel would also cancel the future, which the thread sets later.
            await asyncio.shield(self._opened)
        except asyncio.CancelledError:
            await self.close()
            raise

    async def submit(self, command: BatchCommand[C, A, R] | None, argument: A) -> R:
        """One call of a batch command; durable when it returns. `None` is a single write, see `write`.

        Raises:
            StoreUnavailable: the call was bad, the transaction failed, or the store is closed.
        """
        if self._closed:
            raise StoreUnavailable(CLOSED)
        # The place is kept until the answer, so the limit counts the queue and the open transaction.
        async with self._room:
            # If `close` was called while this call waited for room, the writer no longer takes operations.
            if self._closed:
                raise StoreUnavailable(CLOSED)
            future: asyncio.Future[R] = self._loop.create_future()
            self._waiting.put(Operation(command, argument, future))
            return await future

    async def write(self, act: Callable[[C], R]) -> R:
        """One write by itself, in a savepoint of its own; durable when it returns. Raises its own error."""
        result: R = await self.submit(None, act)
        return result

    def statistics(self) -> StoreStatistics:
        return StoreStatistics(self._group.commits, self._waiting.qsize(), self._group.failures)

    async def close(self) -> None:
        """Write the waiting operations, then disconnect. Callers waiting for room get StoreUnavailable. Idempotent."""
        if not self._closed:
            self._closed = True
            self._waiting.put(None)
            await self._loop.run_in_executor(None, self._thread.join)

    def _write_all(self) -> None:
        """The thread: until `None` arrives, take everything that waits and commit it together."""
        try:
            connection = self._driver.connect()
        except Exception as error:  # noqa: BLE001 - reported to the caller of `start`
            self._loop.call_soon_threadsafe(self._opened.set_exception, error)
            return
        self._loop.call_soon_threadsafe(self._opened.set_result, None)
        while not self._ended and (first := self._waiting.get()) is not None:
            # All operations that arrived during the last commit share the next one; `submit` limits their number.
            outcomes = self._group.run(connection, [first, *self._take_waiting()], self._take_waiting)
            self._loop.call_soon_threadsafe(resolve, outcomes)
        self._driver.disconnect(connection)

    def _take_waiting(self) -> list[Operation]:
        """The operations in the queue, up to its end. For the writer thread."""
        taken: list[Operation] = []
        while not self._ended and not self._waiting.empty():
            operation = self._waiting.get()
            if operation is None:
                self._ended = True
            else:
                taken.append(operation)
        return taken


def resolve(outcomes: Sequence[Outcome]) -> None:
    """Answer the callers, in the loop. A caller that was cancelled is skipped."""
    for operation, result, error in outcomes:
        if operation.future.done():
            continue
        if error is not None:
            operation.future.set_exception(error)
        else:
            operation.future.set_result(result)
