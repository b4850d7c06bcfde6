"""The thread of administrative writes: each is one short transaction. Implements `tables.access.Writes`."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import asyncpg

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.storage.batcher import CLOSED
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints, InjectedFault
from casare_rpa.infrastructure.orchestrator.storage.postgres.cold_connection import ColdConnection, ThreadConnection
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import (
    COLD,
    LOST,
    PAUSE_SECONDS,
    Purpose,
    Repetition,
    Target,
    unavailable,
)

_NUMBER = "SELECT pg_current_xact_id()::text"
_STATUS = "SELECT pg_xact_status($1::text::xid8)"
T = TypeVar("T")


class ColdWrites:
    """Runs writes one after the other. Create it inside the event loop that uses it."""

    def __init__(self, target: Target, failpoints: Failpoints) -> None:
        self.commits = 0
        self.failures = 0
        self.waiting = 0
        self._loop = asyncio.get_running_loop()
        self._failpoints = failpoints
        self._thread = ThreadPoolExecutor(1, "store writer")
        self._connection = ThreadConnection(target, Purpose("writer", COLD.statement_seconds, COLD.settings))
        self._closed = False

    async def write(self, act: Callable[[ColdConnection], T]) -> T:
        """Run `act` in a transaction; durable when it returns.

        When the connection is lost during the commit, the server is asked what became of the transaction. `act` runs
        again only after a transaction that was not committed.

        Raises:
            StoreUnavailable: the database cannot be written, or did not answer in time.
            Exception: that of `act`; nothing of it is written.
        """
        return await self._run(self._write, act)

    async def write_alone(self, act: Callable[[ColdConnection], T]) -> T:
        """Run the statements of `act` without a transaction around them: each commits, and releases its locks.

        For statements that lock rows of hot writes. `act` must be safe to repeat.

        Raises:
            StoreUnavailable: as `write`.
        """
        return await self._run(self._write_alone, act)

    async def _run(self, write: Callable[[Callable[[ColdConnection], T]], T], act: Callable[[ColdConnection], T]) -> T:
        if self._closed:
            raise StoreUnavailable(CLOSED)
        self.waiting += 1
        try:
            result = await self._loop.run_in_executor(self._thread, write, act)
        except StoreUnavailable:
            self.failures += 1
            raise
        except (asyncpg.PostgresError, InjectedFault) as error:
            self.failures += 1
            raise unavailable(error) from error
        finally:
            self.waiting -= 1
        self.commits += 1
        return result

    def _write(self, act: Callable[[ColdConnection], T]) -> T:
        repetition = Repetition()
        while True:
            number = ""
            try:
                connection = self._connection.open(repetition.left_seconds)
                connection.execute("BEGIN")
                result = act(connection)
                number = connection.execute(_NUMBER).fetchone()[0]
                if self._failpoints.active:
                    self._failpoints.hit("store.commit")
                connection.execute("COMMIT")
                if self._failpoints.active:
                    self._failpoints.hit("store.committed")
            except Exception as error:  # noqa: BLE001 - raised again, unless a repetition can help
                self._abandon(error)
                if number and isinstance(error, LOST) and self._was_committed(number, repetition):
                    return result
                pause = repetition.pause_after(error)
            else:
                return result
            time.sleep(pause)

    def _write_alone(self, act: Callable[[ColdConnection], T]) -> T:
        if self._failpoints.active:
            self._failpoints.hit("store.commit")
        result = self._connection.run(act)
        if self._failpoints.active:
            self._failpoints.hit("store.committed")
        return result

    def _abandon(self, error: Exception) -> None:
        """End the transaction after an error."""
        if isinstance(error, LOST):
            self._connection.drop()
            return
        try:
            self._connection.open(PAUSE_SECONDS).execute("ROLLBACK")
        except Exception:  # noqa: BLE001 - the first error is the one to report
            self._connection.drop()  # the server rolls back

    def _was_committed(self, number: str, repetition: Repetition) -> bool:
        """Whether a transaction was committed; waits while it runs. Raises StoreUnavailable if that stays unknown."""
        repetition.begun = True
        while True:
            try:
                connection = self._connection.open(repetition.left_seconds)
                status = connection.execute(_STATUS, (number,)).fetchone()[0]
                if status in ("committed", "aborted"):
                    return bool(status == "committed")
                raise TimeoutError("the transaction still runs")
            except Exception as error:  # noqa: BLE001 - raised again, unless a repetition can help
                if isinstance(error, LOST):
                    self._connection.drop()
                pause = repetition.pause_after(error)
            time.sleep(pause)

    async def close(self) -> None:
        """Finish the waiting writes, then close the connection. Idempotent."""
        if not self._closed:
            self._closed = True
            await self._loop.run_in_executor(None, self._thread.shutdown)
            await self._loop.run_in_executor(None, self._connection.close)
