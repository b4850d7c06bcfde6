"""Keeps a robot connected: replaces a lost connection until the orchestrator refuses it or the robot closes it."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from casare_rpa.domain.errors import AuthError, CasareError, ConnectFailed, ConnectionLost
from casare_rpa.domain.liveness import SLOW_RECONNECT_SECONDS, Backoff, reconnect_after
from casare_rpa.domain.vocabulary import REFUSALS, CloseCode, Reconnect
from casare_rpa.infrastructure.orchestrator.communication.robot.client_protocol import ClientProtocol
from casare_rpa.infrastructure.orchestrator.communication.robot.connection import Connection, paced_work
from casare_rpa.infrastructure.orchestrator.communication.robot.late_accepts import LateAccepts

logger = logging.getLogger(__name__)

MIN_HEARTBEAT_SECONDS = 1.0


class ReconnectLoop:
    """Owns the current `connection`. `ended` is set when no further one follows; `failure` then holds the reason."""

    def __init__(
        self,
        open_connection: Callable[[], Awaitable[Connection]],
        client_protocol: ClientProtocol,
        backoff: Backoff,
        heartbeat_interval_seconds: float | None,
        slow_reconnect_seconds: float = SLOW_RECONNECT_SECONDS,
    ) -> None:
        self.connection: Connection | None = None
        self.ended = asyncio.Event()
        self.failure: BaseException | None = None
        self._open_connection = open_connection
        self._protocol = client_protocol
        self._backoff = backoff
        self._interval_seconds = heartbeat_interval_seconds
        self._slow_seconds = slow_reconnect_seconds
        self._task: asyncio.Task[None] | None = None
        self._late_accepts = LateAccepts()

    @property
    def started(self) -> bool:
        """Whether a first connection was made."""
        return self._task is not None

    async def start(self) -> None:
        """Make the first connection and keep it up in a task.

        Raises:
            AuthError, ConnectFailed: the connection could not be made; no task runs.
        """
        connection = await self._connect()
        self._task = asyncio.create_task(self._run(connection), name="connection to the orchestrator")
        self._task.add_done_callback(self._on_done)

    async def stop(self) -> None:
        """Close the connection and end the loop. Idempotent."""
        connection = self.connection
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})
        self.connection = None  # a task cancelled before its first step has not reset it
        if connection is not None:
            await connection.close()
        self.ended.set()
        self._protocol.close()

    def _on_done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self.failure = task.exception()
        if self.failure is not None:
            logger.error("the connection to the orchestrator ended, without a further attempt: %s", self.failure)
        self.ended.set()
        self._protocol.close()

    async def _connect(self) -> Connection:
        try:
            connection = await self._open_connection()
        except ConnectFailed as error:
            if error.unanswered:
                self._late_accepts.given_up(asyncio.get_running_loop().time())
            raise
        self.connection = connection
        self._protocol.auth_error = None
        self._protocol.deliver_to_inboxes(connection.connected)
        self._protocol.send_queue.on_connected(
            connection.connected.max_message_bytes,
            paced_work(connection.connected.work_limit),
            connection.connected.features,
        )
        return connection

    async def _run(self, connection: Connection) -> None:
        """Serve one connection after another.

        Raises:
            AuthError, ConnectionLost: the orchestrator refuses further connections.
        """
        clock = asyncio.get_running_loop().time
        attempt = 0
        while True:
            opened_at = clock()
            code = await self._serve(connection)
            rule = reconnect_after(code)
            if code == CloseCode.REPLACED:
                if self._late_accepts.explains_a_close(clock()):
                    logger.warning("an earlier request of this robot was accepted late")
                    rule = Reconnect.YES
                else:
                    self._protocol.report_replaced()
            if rule is Reconnect.NO:
                self._raise_final_error(code)
                return
            # The backoff starts over only after a connection that lasted. Otherwise a server that accepts and then
            # drops every connection would always be retried at the shortest delay.
            if clock() - opened_at >= self._backoff.cap_seconds:
                attempt = 0
            delay = self._slow_seconds if rule is Reconnect.SLOWLY else self._delay(attempt)
            logger.warning("connection lost (%s); next attempt in %.1f s", _meaning(code), delay)
            await asyncio.sleep(delay)
            connection, attempt = await self._reconnect(attempt + 1)

    async def _reconnect(self, attempt: int) -> tuple[Connection, int]:
        """A new connection, and the number of the next attempt.

        Errors that are final on the first connection (such as a wrong address) are retried here: the same settings
        have worked before, so the cause is expected to pass.

        Raises:
            AuthError: the key is no longer valid.
        """
        while True:
            failure: CasareError
            slowly = False
            try:
                connection = await self._connect()
                logger.info("reconnected")
                return connection, attempt
            except AuthError as error:
                if error.close_code.reconnect is Reconnect.NO:
                    raise
                failure, slowly = error, error.close_code.reconnect is Reconnect.SLOWLY
            except ConnectFailed as error:
                failure = error
            delay = self._slow_seconds if slowly else self._delay(attempt)
            attempt += 1
            logger.warning("%s; next attempt in %.1f s", failure, delay)
            await asyncio.sleep(delay)

    async def _serve(self, connection: Connection) -> int | None:
        """Run a connection to its end; returns the close code, or `None` when it broke."""
        send_queue = self._protocol.send_queue
        interval = self._interval_seconds or max(MIN_HEARTBEAT_SECONDS, connection.connected.heartbeat_interval_seconds)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(connection.write(send_queue)),
                    group.create_task(connection.watch()),
                    group.create_task(self._send_heartbeats(interval)),
                ]
                # Only the reader decides when the connection is over, because only it gets the close code. A writer
                # that fails returns; the reader then finds the socket closed.
                code = await connection.read(lambda received: self._protocol.receive(received, connection.pause))
                for task in tasks:
                    task.cancel()
        finally:
            self.connection = None
            send_queue.on_disconnected()
        if code == CloseCode.TOO_BIG:
            send_queue.reduce_message_limit()
        return code

    async def _send_heartbeats(self, interval_seconds: float) -> None:
        while True:
            await asyncio.sleep(interval_seconds)
            self._protocol.send_queue.request_heartbeat()

    def _delay(self, attempt: int) -> float:
        # Jitter keeps a fleet from reconnecting in the same instant after a restart of the orchestrator.
        return self._backoff.delay(attempt, random.random())  # noqa: S311 - a delay, not a secret

    def _raise_final_error(self, code: int | None) -> None:
        """Raise the error of a close that forbids reconnecting. A normal close (1000) raises nothing."""
        if code == CloseCode.NORMAL:
            logger.info("the orchestrator closed the connection normally")
        elif code in REFUSALS:
            close_code = CloseCode(code)
            raise AuthError(self._protocol.auth_error or close_code.meaning, close_code)
        else:
            raise ConnectionLost(
                f"the orchestrator closed the connection, and the close code allows no reconnect: {_meaning(code)}"
            )


def _meaning(code: int | None) -> str:
    if code is None:
        return "it broke"
    return f"{code}, {CloseCode(code).meaning}" if code in set(CloseCode) else f"code {code}"
