"""A connection for the portable statements, which are functions of a thread: each thread has an event loop of its own.

The statements run outside of the server's loop, so that a large result does not stop it.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import asyncpg

from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import (
    LOST,
    REPEAT_SECONDS,
    Connection,
    Dedicated,
    Purpose,
    Repetition,
    Target,
)
from casare_rpa.infrastructure.orchestrator.storage.statements import POSTGRESQL

MAX_PREPARED = 512
# PostgreSQL keeps the plan of a statement without parameters in each `plan_cache_mode`, also one that was made for an
# empty table. So such a statement is prepared each time, except these, which have no plan.
FRAMES = ("BEGIN", "COMMIT", "ROLLBACK")
T = TypeVar("T")


class Fetched:
    """The rows of a statement. Implements `statements.Rows`."""

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self.rowcount = rowcount
        self._rows = rows
        self._next = 0

    def fetchone(self) -> Any:  # noqa: ANN401 - SQL values
        if self._next >= len(self._rows):
            return None
        self._next += 1
        return self._rows[self._next - 1]

    def fetchall(self) -> list[Any]:
        rest = self._rows[self._next :]
        self._next = len(self._rows)
        return rest

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchall())


class ColdConnection:
    """Implements `statements.SqlConnection` on a connection of asyncpg, for one thread."""

    dialect = POSTGRESQL

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: Connection) -> None:
        self._loop = loop
        self._connection = connection
        self._prepared: dict[str, Any] = {}
        self._task: asyncio.Task[Fetched] | None = None
        self._limit: SearchLimit | None = None

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Fetched:
        """Run a statement with `$1` for each parameter. Raises the errors of asyncpg.

        A NUL in a text, which PostgreSQL does not store, becomes U+FFFD.
        """
        parameters = [one.replace("\0", "\ufffd") if isinstance(one, str) else one for one in parameters]
        if self._limit is None:
            return self._loop.run_until_complete(self._execute(sql, parameters))
        return self._execute_within(self._limit, sql, parameters)

    def limit(self, limit: "SearchLimit | None") -> None:
        """Limit the following statements, or no longer."""
        self._limit = limit

    def interrupt(self, limit: "SearchLimit") -> None:
        """End the running statement, if it is one of this search. For any thread."""
        self._loop.call_soon_threadsafe(self._cancel, limit)

    def _cancel(self, limit: "SearchLimit") -> None:
        if self._limit is limit and self._task is not None:
            self._task.cancel()

    def _execute_within(self, limit: "SearchLimit", sql: str, parameters: Sequence[Any]) -> Fetched:
        left = limit.left_seconds
        if left <= 0:
            raise asyncpg.QueryCanceledError("the time of the search is over")
        self._task = self._loop.create_task(self._execute(sql, parameters))
        timer = self._loop.call_later(left, self._task.cancel)
        try:
            return self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            # The request to end the statement goes out, and is answered, before the next statement.
            self._loop.run_until_complete(self._connection.execute("SELECT 1"))
            raise asyncpg.QueryCanceledError("the search was stopped") from None
        finally:
            timer.cancel()
            self._task = None

    def uses(self, connection: Connection) -> bool:
        return self._connection is connection

    async def _execute(self, sql: str, parameters: Sequence[Any]) -> Fetched:
        statement = self._prepared.get(sql)
        if statement is None:
            statement = await self._connection.prepare(sql)
            if parameters or sql in FRAMES:
                if len(self._prepared) >= MAX_PREPARED:
                    self._prepared.clear()
                self._prepared[sql] = statement
        try:
            rows = await statement.fetch(*parameters)
        except asyncpg.InvalidCachedStatementError:
            self._prepared.pop(sql, None)  # an upgrade changed a table
            raise
        return Fetched(rows, _rows_of(statement.get_statusmsg()))


class SearchLimit:
    """The time of a search on a connection, as a context in its thread."""

    def __init__(self, connection: ColdConnection, seconds: float) -> None:
        self._connection = connection
        self._deadline = time.monotonic() + seconds
        self._ended = False

    @property
    def left_seconds(self) -> float:
        return self._deadline - time.monotonic()

    def __enter__(self) -> None:
        self._connection.limit(self)

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._connection.limit(None)

    def stop(self) -> None:
        """End its statement on the server. For any thread."""
        if not self._ended:
            self._connection.interrupt(self)


def _rows_of(status: str) -> int:
    """The number of rows in the answer to a statement, such as `INSERT 0 3`."""
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


class ThreadConnection:
    """The connection and the event loop of one thread. All methods are for this thread."""

    def __init__(self, target: Target, purpose: Purpose, repeat_seconds: float = REPEAT_SECONDS) -> None:
        self.loop = asyncio.new_event_loop()
        self._dedicated = Dedicated(target, purpose)
        self._repeat_seconds = repeat_seconds
        self._cold: ColdConnection | None = None

    def run(self, act: Callable[[ColdConnection], T]) -> T:
        """The result of `act`, which is repeated as `connections.Repetition` says. It must be safe to repeat.

        Raises:
            StoreUnavailable: the time is over, or the database failed.
            asyncpg.PostgresError: the call itself is bad.
        """
        repetition = Repetition(self._repeat_seconds)
        while True:
            try:
                connection = self.open(repetition.left_seconds)
                repetition.begun = True
                return act(connection)
            except Exception as error:  # noqa: BLE001 - raised again, unless a repetition can help
                if isinstance(error, LOST):
                    self.drop()
                pause = repetition.pause_after(error)
            time.sleep(pause)

    def open(self, within: float) -> ColdConnection:
        opened = self.loop.run_until_complete(self._dedicated.open(within))
        if self._cold is None or not self._cold.uses(opened):
            self._cold = ColdConnection(self.loop, opened)
        return self._cold

    def drop(self) -> None:
        """Close the connection at once."""
        self._dedicated.drop()
        self._cold = None

    def close(self) -> None:
        """Close the connection and the loop; the thread may have ended."""
        self._cold = None
        self.loop.run_until_complete(self._dedicated.close())
        self.loop.close()
