"""One authenticated WebSocket connection: read, send, close, and the limits that hold for every peer."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.errors import CasareError, RateLimited
from casare_rpa.domain.instants import rfc3339
from casare_rpa.domain.limits import RateLimit, WorkLimits
from casare_rpa.domain.vocabulary import CloseCode, ErrorCode
from casare_rpa.infrastructure.orchestrator.hub.outbox import OutboundMessage, Outbox, outgoing, text_frame
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.sockets import (
    UNFINISHED,
    Receive,
    Send,
    TextHandler,
    Transport,
    Unfinished,
)

logger = logging.getLogger(__name__)

CLOSE_TIMEOUT_SECONDS = 5.0
ANSWER_SECONDS = 2.0
"""How long a connection that would replace another one may take to answer a ping. Then it counts as alive."""
FULL_SECONDS = 5.0
RATE_ABUSE_SECONDS = 60.0
RATE_TOLERANCE_SECONDS = 1e-6
"""Tolerance for the rounding errors of summed intervals."""
BAD_FRAMES_PER_MINUTE = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one endpoint. With `bad_frames_close`, 100 malformed messages in a minute close the connection."""

    rate: RateLimit | None
    max_message_bytes: int
    bad_frames_close: bool = False
    work: WorkLimits | None = None
    """The limits of a robot; they hold over all its connections, so the session does not enforce them."""


class Session:
    """A WebSocket connection whose credential was accepted.

    Messages sent before `accept` wait for the answer to the handshake. A viewer can therefore be subscribed before that
    answer, and misses no change after its connection is open.
    """

    def __init__(
        self,
        *,
        session_id: str,
        principal: Principal,
        address: str,
        limits: Limits,
        clock: Clock,
        receive: Receive,
        send: Send,
        transport: Transport | None,
        peer_answer: Callable[[float], Awaitable[None]] | None = None,
        close_timeout_seconds: float = CLOSE_TIMEOUT_SECONDS,
    ) -> None:
        self.session_id = session_id
        self.principal = principal
        self.address = address
        self.limits = limits
        self.close_code: int | None = None
        self.dropped = 0
        self.rate_limited = 0
        self._clock = clock
        self._receive = receive
        self._handler: TextHandler = _discard
        self._reader: asyncio.Task[Any] | None = None
        self._abandoned = False
        """Whether the peer does not read, not even the close frame, so that its reader is cancelled."""
        self._send = send
        self._close_timeout_seconds = close_timeout_seconds
        self._transport = transport
        self._peer_answer = peer_answer
        self.lane: Transport | None = None
        """The transport while a direct write keeps the order of messages, else `None`.

        It is `None` before `accept`, while the outbox drains, after `close`, and on the plain path. The hub writes
        each broadcast to it, in pieces of `FAST_LANE_BYTES` or of one longer message.
        """
        now = clock.monotonic()
        rate = limits.rate
        self._seconds_per_message = 0.0 if rate is None else 1.0 / rate.per_second
        self._burst_seconds = 0.0 if rate is None else rate.burst / rate.per_second
        self._due_at = now
        self._outbox = Outbox()
        self._held = True
        self._drain: asyncio.Task[None] | None = None
        self._closer: asyncio.Task[None] | None = None
        self._limited_since: float | None = None
        self._last_notice_at = float("-inf")
        self._bad_frames: deque[float] = deque()
        self.waiting_since: float | None = None
        """The time since which reading waits for the peer, in monotonic seconds; `None` while the peer is not read."""
        self.last_sent_at = now
        """Monotonic seconds of the last message to this peer alone; broadcasts do not count."""
        self.last_received_at = now
        self.frame_unwritten = False
        """A frame arrived since the last write of heartbeats began. Any frame counts, also a refused one, so that
        the leases of a robot's jobs and its liveness follow one rule."""

    @property
    def closing(self) -> bool:
        return self.close_code is not None

    async def accept(self) -> None:
        """Answer the handshake, then send the messages that were held back, in order. Idempotent."""
        if not self._held:
            return
        await self._send({"type": "websocket.accept"})
        self._held = False
        self._open_lane()
        while len(self._outbox) and self.lane is not None and self.lane.ready:
            self.lane.write(text_frame(self._outbox.pop()))
        self._start_drain()

    async def await_answer(self) -> None:
        """Answer the handshake, and wait until the peer answers a ping, or for `ANSWER_SECONDS`.

        A peer that gave up its handshake ends the connection instead. Some clients answer no ping.

        Raises:
            OSError: the peer has ended the connection.
        """
        await self.accept()
        if self._peer_answer is not None:
            await self._peer_answer(ANSWER_SECONDS)

    # Inbound

    async def read(self, handler: TextHandler) -> None:
        """Call `handler` with each text, one at a time and at the pace of the rate limit, until the socket ends.

        On the fast path the transport calls `_handle_text` itself while this task waits in `_receive`, and sends an
        `UNFINISHED` event when the text has work left that must be awaited. See transport/fast_protocol.py.
        """
        self._handler = handler
        self._reader = asyncio.current_task()
        if self._transport is not None:
            self._transport.set_text_handler(self._handle_text)
        try:
            while self.close_code is None:
                self.waiting_since = self._clock.monotonic()
                event = await self._receive()
                kind = event["type"]
                if kind == UNFINISHED:
                    unfinished = event[UNFINISHED]
                elif kind == "websocket.disconnect" or self.close_code is not None:
                    return
                else:
                    unfinished = self._handle_text(event.get("text"))
                self.waiting_since = None
                if unfinished is not None:
                    await unfinished
        except asyncio.CancelledError:
            assert self._reader is not None
            if not self._abandoned or self._reader.uncancel():
                raise  # the caller was cancelled as well
        finally:
            self.waiting_since = self._reader = None
            self._handler = _discard  # it refers to this session, which would wait for the garbage collector
            if self._transport is not None:
                self._transport.set_text_handler(None)

    def _handle_text(self, text: str | None) -> Unfinished:
        """One text, or `None` for a binary frame: check the limits and call the handler. Never raises.

        Returns an awaitable to finish before the next text, or `None`.
        """
        if self.close_code is not None:
            return None
        self.last_received_at = now = self._clock.monotonic()
        self.frame_unwritten = True
        if self.waiting_since is not None:
            self.waiting_since = now
        # The rate limit as a virtual schedule (GCRA), which equals a token bucket and needs one number: `_due_at` is
        # when the messages so far would have been sent at the rate, and may run ahead of `now` by the burst.
        due_at = max(now, self._due_at)
        self._due_at = due_at = due_at + self._seconds_per_message
        delay = due_at - now - self._burst_seconds
        if delay > RATE_TOLERANCE_SECONDS:
            return self._handle_later(text, round(delay, 6), now)
        self._limited_since = None
        limit = self.limits.max_message_bytes
        # A character has at most four bytes: nearly every text is known to be short enough without being encoded.
        if text is None or (len(text) * 4 > limit and len(text.encode()) > limit):
            self._refuse_frame(text)
            return _wake_reader() if self.closing else None
        try:
            unfinished = self._handler(text)
        except Exception as error:  # noqa: BLE001  # the caller may be the transport: the reader raises it instead
            return _raise_in_reader(error)
        if unfinished is None and self.close_code is not None:
            return _wake_reader()
        return unfinished

    async def _handle_later(self, text: str | None, delay: float, now: float) -> None:
        """Handle a text over the rate limit: keep it, and stop reading until a token is available."""
        await self._slow_down(delay, now)
        if self.close_code is not None:
            return
        unfinished: Unfinished = None
        if text is None or len(text.encode()) > self.limits.max_message_bytes:
            self._refuse_frame(text)
        else:
            unfinished = self._handler(text)
        if unfinished is not None:
            await unfinished

    def _refuse_frame(self, text: str | None) -> None:
        """Answer a binary frame or a text over the limit."""
        if text is None:
            self.bad_frame("message: binary frames are not part of the contract; send JSON as text")
        else:
            self.send_error(ErrorCode.INVALID_MESSAGE, f"message: over {self.limits.max_message_bytes} bytes")
            self.close(CloseCode.TOO_BIG)

    async def _slow_down(self, delay: float, now: float) -> None:
        """Send RATE_LIMITED, at most once a second, and wait for a token; close after a minute above the limit."""
        self.rate_limited += 1
        if self._limited_since is None:
            self._limited_since = now
        elif now - self._limited_since >= RATE_ABUSE_SECONDS:
            self.send_error(ErrorCode.RATE_LIMITED, "over the rate limit for a minute without a pause")
            self.close(CloseCode.RATE_ABUSE)
            return
        rate = self.limits.rate
        allowed = "" if rate is None else f": {rate.per_second:g} a second, {rate.burst:g} at once"
        await self.rest(delay, f"too many messages{allowed}; slow down")

    async def rest(self, seconds: float, sentence: str) -> None:
        """Wait; the reader awaits this. Send RATE_LIMITED with the sentence, at most once a second."""
        now = self._clock.monotonic()
        if now - self._last_notice_at >= 1.0:
            self._last_notice_at = now
            self.send_error(ErrorCode.RATE_LIMITED, sentence, retry_after_ms=round(seconds * 1000))
        await self._clock.sleep(seconds)

    def bad_frame(self, sentence: str, message_id: codec.MessageId | None = None) -> None:
        """Answer a malformed message with INVALID_MESSAGE; the hundredth in a minute closes the connection."""
        self.send_error(ErrorCode.INVALID_MESSAGE, sentence, message_id)
        if not self.limits.bad_frames_close:
            return
        now = self._clock.monotonic()
        self._bad_frames.append(now)
        while self._bad_frames[0] < now - 60.0:
            self._bad_frames.popleft()
        if len(self._bad_frames) >= BAD_FRAMES_PER_MINUTE:
            self.close(CloseCode.PROTOCOL_ABUSE)

    # Outbound

    def send(self, message: protocol.Message, message_id: codec.MessageId | None = None) -> None:
        """Send one message in order with all others; it waits in the outbox when the peer is behind."""
        json = codec.encode(message, message_id)
        lane = self.lane
        if lane is not None and lane.ready:
            lane.write(text_frame(json))
            self.last_sent_at = self._clock.monotonic()
        else:
            self.queue((outgoing(json),))

    def send_all(self, messages: Sequence[protocol.Message]) -> None:
        """Send messages as `send` does, with one write."""
        texts = map(codec.encode, messages)
        lane = self.lane
        if lane is not None and lane.ready:
            lane.write(b"".join(map(text_frame, texts)))
            self.last_sent_at = self._clock.monotonic()
        else:
            self.queue([*map(outgoing, texts)])

    def send_error(
        self,
        code: ErrorCode,
        sentence: str,
        message_id: codec.MessageId | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        timestamp = rfc3339(self._clock.now())
        error = protocol.Error(code=code, message=sentence, timestamp=timestamp, retry_after_ms=retry_after_ms)
        self.send(error, message_id)

    def refuse(self, error: CasareError, message_id: codec.MessageId | None = None) -> None:
        """Send an exception as an `error` message with the contract's code."""
        if error.code is ErrorCode.INVALID_MESSAGE:
            self.bad_frame(str(error), message_id)
        elif isinstance(error, RateLimited):
            self.send_error(error.code, str(error), message_id, round(error.retry_after_seconds * 1000))
        else:
            self.send_error(error.code, str(error), message_id)

    def deliver(self, message: OutboundMessage) -> None:
        """Write a framed message to the transport, or queue it when the peer is behind or the path is plain."""
        lane = self.lane
        if lane is not None and lane.ready:
            lane.write(message.frame)
            self.last_sent_at = self._clock.monotonic()
        else:
            self.queue((message,))

    def queue(self, messages: Sequence[OutboundMessage]) -> None:
        """Queue messages in the outbox; they are dropped after `close`."""
        if self.close_code is None:
            for message in messages:
                self._put(message)

    def _open_lane(self) -> None:
        if not self._held and self._drain is None and not self.closing:
            self.lane = self._transport

    def _put(self, message: OutboundMessage) -> None:
        self.dropped += self._outbox.add_message(message, self._clock.monotonic())
        if self._outbox.overrun:
            self.cut()
        elif not self._held:
            self._start_drain()

    def _start_drain(self) -> None:
        if self._drain is None and len(self._outbox):
            self.lane = None
            self._drain = asyncio.create_task(self._drain_outbox(), name=f"drain {self.session_id}")

    async def _drain_outbox(self) -> None:
        """Send the backlog at the peer's pace, then open the lane again."""
        try:
            while len(self._outbox) and not self.closing:
                await self._send({"type": "websocket.send", "text": self._outbox.pop().decode()})
                self.last_sent_at = self._clock.monotonic()
        except OSError as error:  # the connection is lost; the reader gets the disconnect
            logger.debug("session %s: lost while sending: %s", self.session_id, error)
            self._outbox.clear()
        finally:
            self._drain = None
            self._open_lane()

    async def drained(self) -> None:
        """Wait until the backlog is sent or the connection lost."""
        if self._drain is not None:
            await asyncio.wait({self._drain})

    # The end

    def stalled(self, now: float) -> bool:
        """Whether the outbox has been full for `FULL_SECONDS`. `now` is monotonic."""
        full_since = self._outbox.full_since
        return full_since is not None and now - full_since >= FULL_SECONDS

    def silent_seconds(self, now: float) -> float:
        """How long the peer has sent nothing while it was read. `now` is monotonic."""
        return 0.0 if self.waiting_since is None else now - self.waiting_since

    def cut(self) -> None:
        """Close a connection whose peer does not read; its backlog is dropped."""
        self._outbox.clear()
        self.close(CloseCode.SLOW_CONSUMER)

    def close(self, code: CloseCode, reason: str = "") -> None:
        """Begin to close, after the messages that were sent before. Returns at once; idempotent.

        Nothing is sent after the close frame.
        """
        if self.closing:
            return
        self.close_code = code
        self.lane = None
        self._closer = asyncio.create_task(self._close(code, reason or code.meaning), name=f"close {self.session_id}")

    async def _close(self, code: CloseCode, reason: str) -> None:
        try:
            async with asyncio.timeout(self._close_timeout_seconds):
                await self.accept()  # only an open WebSocket has close codes; before, it would be an HTTP status
                await self.drained()
                while len(self._outbox):
                    await self._send({"type": "websocket.send", "text": self._outbox.pop().decode()})
                await self._send({"type": "websocket.close", "code": int(code), "reason": reason[:120]})
        except (TimeoutError, OSError, RuntimeError) as error:
            logger.debug("session %s: closed without a handshake: %s", self.session_id, error)
            self._abandon()

    def _abandon(self) -> None:
        """End a connection that cannot be closed in time, because its peer does not read."""
        if self._transport is not None:
            self._transport.abort()
        elif self._reader is not None and self.waiting_since is not None:
            # The plain path has no transport to abort. The reader would wait for its peer without a limit; when it
            # ends, the application returns and the server closes the socket. A reader that is not waiting sees
            # `close_code` before it waits again.
            self._abandoned = True
            self._reader.cancel()

    async def closed(self) -> None:
        """Wait until a close that has begun is finished."""
        if self._closer is not None:
            await asyncio.wait({self._closer})


def _discard(_text: str) -> None:
    """The handler before `read`: no text arrives before it."""


async def _wake_reader() -> None:
    """Wakes the reader, which then sees `close_code` and ends."""


async def _raise_in_reader(error: Exception) -> None:
    raise error
