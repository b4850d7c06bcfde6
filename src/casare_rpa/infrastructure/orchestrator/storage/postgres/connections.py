"""Connections to PostgreSQL: their settings, which errors end one, and how long a call is repeated.

There is no pool: each connection has one purpose, and its owner opens it again. A pool hands out connections that a
failover has ended.
"""

import asyncio
import logging
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import asyncpg

from casare_rpa.domain.errors import StoreUnavailable

logger = logging.getLogger(__name__)

REPEAT_SECONDS = 5.0
"""How long a call whose outcome is not known, or that met a restart of the server, is repeated."""
PAUSE_SECONDS = 0.05
MAX_PAUSE_SECONDS = 0.5
CONNECT_SECONDS = 5.0
DEAD_PEER_MILLISECONDS = 10_000
"""After this time without an answer to sent data, the connection counts as lost."""

LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.ReadOnlySQLTransactionError,  # the server became a standby: another one is the primary
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    OSError,
    EOFError,
    TimeoutError,
)
"""Errors after which a connection is closed. Whether its last statement was committed is not known."""
AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.InvalidCachedStatementError)
"""Errors after which the same call on the same connection can succeed. Nothing of it was written."""
FAILED = (asyncpg.InsufficientResourcesError, asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError)
"""Errors of the database itself: a full disk, no memory, a time limit. Nothing was written."""

Connection: TypeAlias = "asyncpg.Connection[Any]"
T = TypeVar("T")


@dataclass(frozen=True)
class Purpose:
    """What a connection is for: its name for administrators, its limits and its planner settings."""

    name: str
    statement_seconds: float
    settings: dict[str, str] = field(default_factory=dict)


_FIXED_PLANS = {
    # The plan of a statement is made for small tables, and must be right for a million rows. See `kept_plans`.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
HOT = Purpose("hot", 5.0, _FIXED_PLANS)
_PLANS_OF_VALUES = {
    # Many filters are optional: `tenant_id = $1 OR $1 IS NULL` walks an index only in a plan for given values. A plan
    # of each execution also knows the present size of a table that was empty when the statement was prepared.
    "plan_cache_mode": "force_custom_plan",
    # Without statistics, an open range counts as a third of the table, for which a scan seems cheaper than an index.
    "enable_seqscan": "off",
    # All rows of a key count as few, and are read and sorted, where an index has them in the order of the page.
    "enable_bitmapscan": "off",
    # A table with a range for each key is read as a whole, when statistics say that it has few keys.
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
COLD = Purpose("cold", 15.0, _PLANS_OF_VALUES)
# An administrator can set these for the database or the role. A commit that does not wait for the disk could lose what
# was acknowledged. The other two end connections that wait for the next call, such as that of the locks; the second
# exists since PostgreSQL 17.
_NEEDED = """
SELECT set_config(name, CASE name WHEN 'synchronous_commit' THEN 'on' ELSE '0' END, false) FROM pg_settings
WHERE name IN ('idle_session_timeout', 'transaction_timeout') OR (name = 'synchronous_commit' AND setting = 'off')
"""


@dataclass(frozen=True)
class Target:
    """A database. Its URL may hold a password, so that it is never printed."""

    url: str = field(repr=False)
    name: str = "casare"
    """The name of the application that administrators see in `pg_stat_activity`."""

    async def connect(self, purpose: Purpose, within: float = CONNECT_SECONDS) -> Connection:
        """A connection to the server of the URL that takes writes.

        Raises:
            Exception: one of `LOST`, or an error of the server such as a wrong password.
        """
        connection = await asyncpg.connect(
            self.url,
            timeout=within,
            command_timeout=purpose.statement_seconds + 1.0,
            target_session_attrs="read-write",
            statement_cache_size=1024,
            server_settings={"application_name": f"{self.name} {purpose.name}"},
        )
        settings = {
            "statement_timeout": f"{purpose.statement_seconds:.0f}s",
            "idle_in_transaction_session_timeout": "5s",
            "tcp_user_timeout": str(DEAD_PEER_MILLISECONDS),
            # The guards of the statements wait for a lock and then see the newest row.
            "default_transaction_isolation": "read committed",
            **purpose.settings,
        }
        try:
            # A pooler refuses settings that it does not know when they come with the login.
            await connection.execute("; ".join(f"SET {name} = '{value}'" for name, value in settings.items()))
            await connection.execute(_NEEDED)
        except BaseException:
            connection.terminate()
            raise
        _limit_silence(connection)
        return connection


def _limit_silence(connection: Connection) -> None:
    """Let the kernel end the connection when the server does not confirm the sent data."""
    if sys.platform == "linux":
        opened: socket.socket | None = connection._transport.get_extra_info("socket")  # noqa: SLF001 - no other way
        if opened is not None and opened.family != socket.AF_UNIX:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_MILLISECONDS)


def unavailable(error: BaseException, *, unknown: bool = False) -> StoreUnavailable:
    """The error for the caller. The details go to the log only."""
    logger.error("the store cannot be used: %s: %s", type(error).__name__, error)
    raised = StoreUnavailable(
        "the database did not answer, so the outcome is not known; read the result before you repeat the request"
        if unknown
        else "the store cannot be used now; nothing was written, try again; the log of the server has the reason"
    )
    raised.__cause__ = error
    return raised


class Repetition:
    """How often one call is repeated, and with which pauses."""

    def __init__(self, seconds: float = REPEAT_SECONDS) -> None:
        self._deadline = time.monotonic() + seconds
        self._pause = PAUSE_SECONDS
        self.begun = False
        """Whether a statement was sent, so that its outcome can be unknown."""

    @property
    def left_seconds(self) -> float:
        """The time for one more attempt to connect."""
        return min(CONNECT_SECONDS, max(PAUSE_SECONDS, self._deadline - time.monotonic()))

    def pause_after(self, error: Exception) -> float:
        """The seconds to wait before the next attempt.

        Raises:
            StoreUnavailable: the time is over, or the database itself failed.
            Exception: the given error, which is one of the call.
        """
        if isinstance(error, FAILED):
            raise unavailable(error) from error
        if not isinstance(error, (*LOST, *AGAIN)):
            raise error
        pause, self._pause = self._pause, min(MAX_PAUSE_SECONDS, self._pause * 2)
        if time.monotonic() + pause >= self._deadline:
            raise unavailable(error, unknown=self.begun and isinstance(error, LOST)) from error
        return pause


class Dedicated:
    """A connection for one purpose. It is opened with the first call, and again after it was lost."""

    def __init__(self, target: Target, purpose: Purpose, *, repeat_seconds: float = REPEAT_SECONDS) -> None:
        self._target = target
        self._purpose = purpose
        self._repeat_seconds = repeat_seconds
        self._connection: Connection | None = None

    async def run(self, act: Callable[[Connection], Awaitable[T]]) -> T:
        """The result of `act`, which is repeated while the connection is lost, for `repeat_seconds`.

        `act` must leave the same in the store however often it runs, also beside its own earlier run: the server may
        still execute the statement of a lost connection.

        Raises:
            StoreUnavailable: the time is over, or the database failed.
            asyncpg.PostgresError: the call itself is bad.
        """
        repetition = Repetition(self._repeat_seconds)
        while True:
            try:
                connection = await self.open(repetition.left_seconds)
                repetition.begun = True
                return await act(connection)
            except Exception as error:  # noqa: BLE001 - raised again, unless a repetition can help
                if isinstance(error, LOST):
                    self.drop()
                pause = repetition.pause_after(error)
            except asyncio.CancelledError:
                self.drop()  # its statement may still run
                raise
            await asyncio.sleep(pause)

    async def open(self, within: float = CONNECT_SECONDS) -> Connection:
        """The connection, opened if it is not. Raises one of `LOST`, or an error of the server."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._target.connect(self._purpose, within)
        return self._connection

    def drop(self) -> None:
        """Close the connection at once, without an answer of the server."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        if self._connection is not None:
            try:
                await self._connection.close(timeout=1.0)
            except LOST:
                self.drop()
            self._connection = None
