"""Hot writes: one statement for all calls of a kind that wait, on a connection of its own.

    callers              writer (a task of the server's loop)
    submit(call) ──▶ waiting ──▶ read · decide in memory · one autocommit statement
    future ◀──────────────────── answers

No transaction is open while Python computes, so an instance that stops holds no lock. A command therefore guards its
statement by the rows that it read, and reads and decides again when they have changed meanwhile.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.limits import number_at_once
from casare_rpa.infrastructure.orchestrator.storage.batcher import CLOSED, MAX_WAITING
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import (
    HOT,
    Connection,
    Dedicated,
    Purpose,
    Target,
)
from casare_rpa.infrastructure.orchestrator.storage.postgres.kept_plans import KeptPlans

logger = logging.getLogger(__name__)

MAX_CALLS = 500
"""Calls of one statement. With the limit on the size of their texts, it keeps a statement far below the time limit."""
A = TypeVar("A")
R = TypeVar("R")
A_contra = TypeVar("A_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class HotCommand(Protocol[A_contra, R_co]):
    """A kind of write that handles its waiting calls with one statement."""

    async def execute(self, connection: Connection, calls: Sequence[A_contra]) -> Sequence[R_co]:
        """Do the calls in order and return their results in the same order.

        It may be called again with the same calls after a lost connection, while the server still executes the
        statement of the earlier one. Both together must leave what one leaves.
        """
        ...

    def size_of(self, call: A_contra) -> int:
        """The size of the large texts of a call, in characters. See `domain.limits.number_at_once`."""
        ...


class SmallCalls:
    """The size of calls without large texts."""

    def size_of(self, call: object) -> int:  # noqa: ARG002 - the same for every call
        return 0


class HotWriter(Generic[A, R]):
    """The queue, the connection and the task of one command. Create it inside the event loop that uses it."""

    def __init__(
        self,
        name: str,
        command: HotCommand[A, R],
        target: Target,
        failpoints: Failpoints,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`settings` of the planner replace those of `connections.HOT` with the same names."""
        self.commits = 0
        self.failures = 0
        self._name = name
        self._command = command
        self._failpoints = failpoints
        planner = {**HOT.settings, **(settings or {})}
        self._connection = Dedicated(target, Purpose(name, HOT.statement_seconds, planner))
        self._plans = KeptPlans() if planner["plan_cache_mode"] == "force_generic_plan" else None
        self._waiting: list[tuple[A, asyncio.Future[R]]] = []
        self._running: list[asyncio.Future[R]] = []
        self._wanted = asyncio.Event()
        self._room = asyncio.Semaphore(MAX_WAITING)
        self._closed = False
        self._task = asyncio.get_running_loop().create_task(self._write_all(), name=f"store {name}")

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def submit(self, call: A) -> R:
        """One call; durable when it returns.

        Raises:
            StoreUnavailable: the call was bad, the database failed or did not answer, or the store is closed.
        """
        if self._closed:
            raise StoreUnavailable(CLOSED)
        async with self._room:
            if self._closed:
                raise StoreUnavailable(CLOSED)
            future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
            self._waiting.append((call, future))
            self._wanted.set()
            return await future

    async def settled(self) -> None:
        """Wait until every call that was submitted before is answered."""
        pending = [*self._running, *(future for _, future in self._waiting)]
        if pending:
            await asyncio.wait(pending)

    async def close(self) -> None:
        """Write the waiting calls, then disconnect. Idempotent."""
        if not self._closed:
            self._closed = True
            self._wanted.set()
            await self._task
            await self._connection.close()

    async def _write_all(self) -> None:
        while self._waiting or not self._closed:
            await self._wanted.wait()
            self._wanted.clear()
            while self._waiting:
                number = number_at_once(self._command.size_of(call) for call, _ in self._waiting[:MAX_CALLS])
                batch, self._waiting = self._waiting[:number], self._waiting[number:]
                self._running = [future for _, future in batch]
                await self._write(batch)
                self._running = []

    async def _write(self, batch: Sequence[tuple[A, "asyncio.Future[R]"]]) -> None:
        """Answer the calls of one statement. A bad call does not affect the others."""
        try:
            results = await self._connection.run(lambda connection: self._execute(connection, [c for c, _ in batch]))
        except StoreUnavailable as error:
            self.failures += 1
            _fail(batch, error)
        except Exception as error:  # the edge of the writer: reported to the callers
            self.failures += 1
            if len(batch) > 1:
                for one in batch:
                    await self._write([one])
                return
            logger.error("a call of %s failed: %r", self._name, error, exc_info=error)
            unavailable = StoreUnavailable(
                "the store could not do this; nothing of it was written; the server's log says why"
            )
            unavailable.__cause__ = error
            _fail(batch, unavailable)
        else:
            self.commits += 1
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():  # its caller was cancelled
                    future.set_result(result)

    async def _execute(self, connection: Connection, calls: Sequence[A]) -> Sequence[R]:
        if self._plans is not None:
            await self._plans.fit(connection)
        if self._failpoints.active:
            self._failpoints.hit("store.commit")
        results = await self._command.execute(connection, calls)
        if self._failpoints.active:
            self._failpoints.hit("store.committed")
        return results


def _fail(batch: Sequence[tuple[Any, "asyncio.Future[Any]"]], error: StoreUnavailable) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
