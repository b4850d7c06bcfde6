"""Keeps a robot connected: one link after the other, until the orchestrator or the robot ends it for good."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from casare_rpa.domain.errors import AuthError, CasareError, ConnectFailed, ConnectionLost
from casare_rpa.domain.liveness import SLOW_RECONNECT_SECONDS, Backoff, reconnect_after
from casare_rpa.domain.protocol import CloseCode, Reconnect
from casare_rpa.infrastructure.orchestrator.communication.robot.client_protocol import ClientProtocol
from casare_rpa.infrastructure.orchestrator.communication.robot.connection import Connection

logger = logging.getLogger(__name__)

MIN_HEARTBEAT_SECONDS = 1.0
_AUTH_CODES = (CloseCode.AUTH_FAILED, CloseCode.AUTH_EXPIRED, CloseCode.FORBIDDEN)


class Lifeline:
    """`link` is the present connection; `ended` is set when there will be no other, `failure` says why not."""

    def __init__(
        self,
        open_link: Callable[[], Awaitable[Connection]],
        conversation: ClientProtocol,
        backoff: Backoff,
        heartbeat_interval_seconds: float | None,
        slow_reconnect_seconds: float = SLOW_RECONNECT_SECONDS,
    ) -> None:
        self.link: Connection | None = None
        self.ended = asyncio.Event()
        self.failure: BaseException | None = None
        self._open_link = open_link
        self._conversation = conversation
        self._backoff = backoff
        self._interval_seconds = heartbeat_interval_seconds
        self._slow_seconds = slow_reconnect_seconds
        self._task: asyncio.Task[None] | None = None

    @property
    def started(self) -> bool:
        """Whether a first connection was ever made."""
        return self._task is not None

    async def start(self) -> None:
        """Make the first connection, then keep it up.

        Raises:
            AuthError, ConnectFailed: it could not be made; nothing is running then.
        """
        link = await self._open()
        self._task = asyncio.create_task(self._keep_up(link), name="connection to the orchestrator")
        self._task.add_done_callback(self._over)

    async def stop(self) -> None:
        """Say goodbye and end. Idempotent."""
        link = self.link
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})
        self.link = None  # a task that was cancelled before it began has not done so
        if link is not None:
            await link.close()
        self.ended.set()
        self._conversation.close()

    def _over(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self.failure = task.exception()
        if self.failure is not None:
            logger.error("the connection to the orchestrator is over for good: %s", self.failure)
        self.ended.set()
        self._conversation.close()

    async def _open(self) -> Connection:
        link = await self._open_link()
        self.link = link
        self._conversation.refusal = None
        self._conversation.show(link.connected)
        self._conversation.exchange.connected(link.connected.max_message_bytes)
        return link

    async def _keep_up(self, link: Connection) -> None:
        """Serve link after link; ends when there is to be no other.

        Raises:
            AuthError, ConnectionLost: the orchestrator ended it for good.
        """
        clock = asyncio.get_running_loop().time
        attempt = 0
        while True:
            opened_at = clock()
            code = await self._serve(link)
            rule = reconnect_after(code)
            if rule is Reconnect.NO:
                self._end(code)
                return
            if clock() - opened_at >= self._backoff.cap_seconds:
                attempt = 0  # it held: this is a new misfortune, not the old one going on
            delay = self._slow_seconds if rule is Reconnect.SLOWLY else self._delay(attempt)
            logger.warning("connection lost (%s); next try in %.1f s", _meaning(code), delay)
            await asyncio.sleep(delay)
            link, attempt = await self._reopen(attempt + 1)

    async def _reopen(self, attempt: int) -> tuple[Connection, int]:
        """A new link, and the number of the next attempt. What worked once is tried until it works again.

        Raises:
            AuthError: the key no longer opens the door.
        """
        while True:
            failure: CasareError
            try:
                link = await self._open()
                logger.info("connected again")
                return link, attempt
            except AuthError as error:
                if error.close_code.reconnect is Reconnect.NO:
                    raise
                failure = error
            except ConnectFailed as error:
                failure = error
            delay = self._delay(attempt)
            attempt += 1
            logger.warning("%s; next try in %.1f s", failure, delay)
            await asyncio.sleep(delay)

    async def _serve(self, link: Connection) -> int | None:
        """One connection from its `connected` to its end; answers the close code, `None` when it broke."""
        exchange = self._conversation.exchange
        interval = self._interval_seconds or max(MIN_HEARTBEAT_SECONDS, link.connected.heartbeat_interval_seconds)
        try:
            async with asyncio.TaskGroup() as group:
                beside = [
                    group.create_task(link.write(exchange)),
                    group.create_task(link.watch()),
                    group.create_task(self._beat(interval)),
                ]
                code = await link.read(lambda received: self._conversation.receive(received, link.pause))
                for task in beside:
                    task.cancel()
        finally:
            self.link = None
            exchange.disconnected()
        if code == CloseCode.TOO_BIG:
            exchange.too_big()
        return code

    async def _beat(self, interval_seconds: float) -> None:
        while True:
            await asyncio.sleep(interval_seconds)
            self._conversation.exchange.beat()

    def _delay(self, attempt: int) -> float:
        return self._backoff.delay(attempt, random.random())  # noqa: S311 - a delay, not a secret

    def _end(self, code: int | None) -> None:
        """Raises the error of a close after which there is no reconnecting; a goodbye is none."""
        if code == CloseCode.NORMAL:
            logger.info("the orchestrator said goodbye")
        elif code in _AUTH_CODES:
            kind = CloseCode(code)
            raise AuthError(self._conversation.refusal or kind.meaning, kind)
        else:
            raise ConnectionLost(f"the orchestrator ended the connection for good: {_meaning(code)}")


def _meaning(code: int | None) -> str:
    if code is None:
        return "it broke"
    return f"{code}, {CloseCode(code).meaning}" if code in set(CloseCode) else f"code {code}"
