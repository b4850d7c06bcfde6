"""One open connection to the orchestrator: frames in, frames out at the allowed pace, and a watch over silence."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.limits import RateLimit, TokenBucket

logger = logging.getLogger(__name__)

RATE_SHARE = 0.8
BURST_SHARE = 0.5
"""What we allow ourselves of the limit: frames that the network delays arrive closer together than they were sent."""
MAX_PAUSE_SECONDS = 60.0
CLOSE_TIMEOUT_SECONDS = 5.0
TICKS_PER_TIMEOUT = 6

Receive = Callable[[codec.Received[protocol.ToRobot]], None]


class FrameSource(Protocol):
    """Where a link takes its frames from."""

    wake: asyncio.Event
    """Set whenever the answer of `due_in` may have become smaller."""

    def due_in(self, now: float) -> float | None:
        """Seconds until there is a frame to send; 0.0 is now, `None` is not before `wake`."""

    def next_frame(self, now: float) -> bytes | None:
        """The most urgent frame, which is then as good as sent."""


def allowance(notice: protocol.RateLimitNotice | None) -> RateLimit | None:
    """The rate at which we send under an announced limit: it keeps a margin."""
    if notice is None:
        return None
    return RateLimit(notice.messages_per_second * RATE_SHARE, max(1.0, notice.burst * BURST_SHARE))


class Connection:
    """A connection after its `connected`. `read`, `write` and `watch` run side by side until `read` returns."""

    def __init__(self, socket: ClientConnection, connected: protocol.Connected, timeout_seconds: float | None) -> None:
        self.connected = connected
        self._socket = socket
        self._loop = asyncio.get_running_loop()
        self._timeout_seconds = timeout_seconds or max(1, connected.heartbeat_timeout_seconds)
        self._bucket = TokenBucket(allowance(connected.rate_limit), self._loop.time())
        self._paused_until = 0.0
        self._heard_at = self._loop.time()

    async def read(self, receive: Receive) -> int | None:
        """Hand on every message; answers the close code when the connection is over, `None` when it just broke."""
        while True:
            try:
                frame = await self._socket.recv()
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd is not None else None
            self._heard_at = self._loop.time()
            try:
                if not isinstance(frame, str):
                    raise ProtocolError("a binary frame", field="message")
                received = codec.TO_ROBOT.decode_known(frame)
            except ProtocolError as error:
                logger.warning("ignored what the orchestrator sent: %s", error)
                continue
            if received is not None:
                receive(received)

    async def write(self, outgoing: FrameSource) -> None:
        """Send what is due, most urgent first, never faster than allowed; ends with the connection."""
        try:
            while True:
                outgoing.wake.clear()
                due_in = outgoing.due_in(self._loop.time())
                if due_in != 0.0:
                    await _wait(outgoing.wake, due_in)
                    continue
                await self._pace()
                frame = outgoing.next_frame(self._loop.time())
                if frame is not None:
                    await self._socket.send(frame, text=True)
        except ConnectionClosed as closed:
            logger.debug("stopped sending: %s", closed)  # `read` says how it ended

    async def _pace(self) -> None:
        await asyncio.sleep(self._bucket.take(self._loop.time()))
        while (rest := self._paused_until - self._loop.time()) > 0:  # noqa: ASYNC110 - a deadline that moves
            await asyncio.sleep(rest)

    def pause(self, seconds: float) -> None:
        """Send nothing for that long: the orchestrator asked for it."""
        self._paused_until = max(self._paused_until, self._loop.time() + min(seconds, MAX_PAUSE_SECONDS))

    async def watch(self) -> None:
        """Break the connection when nothing was heard for the timeout, pings unanswered included.

        Ours, because the library's own keepalive waits for a closing handshake that a dead peer never makes.
        """
        tick = self._timeout_seconds / TICKS_PER_TIMEOUT
        while True:
            await asyncio.sleep(tick)
            silence = self._loop.time() - self._heard_at
            if silence >= self._timeout_seconds:
                logger.warning("nothing heard from the orchestrator for %.0f s: connecting anew", silence)
                self.abort()
                return
            if silence >= self._timeout_seconds / 3:
                await self._ping(tick)

    async def _ping(self, within_seconds: float) -> None:
        try:
            async with asyncio.timeout(within_seconds):
                pong = await self._socket.ping()
        except (TimeoutError, ConnectionClosed) as error:
            logger.debug("could not ping: %s", error)  # the silence goes on, and is what counts
            return
        asyncio.ensure_future(pong).add_done_callback(self._ponged)

    def _ponged(self, pong: asyncio.Future[float]) -> None:
        if not pong.cancelled() and pong.exception() is None:
            self._heard_at = self._loop.time()

    def abort(self) -> None:
        """Break the connection without a handshake."""
        self._socket.transport.abort()

    async def close(self) -> None:
        """Say goodbye and close; a peer that does not answer is left standing."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS + 1):
                await self._socket.close()
        except TimeoutError:
            self.abort()


async def _wait(event: asyncio.Event, seconds: float | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
