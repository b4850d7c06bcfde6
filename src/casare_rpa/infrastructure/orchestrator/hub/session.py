"""One authenticated socket: receive(), send(), close(); and the limits that hold for every peer alike."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.errors import CasareError, RateLimited
from casare_rpa.domain.instants import rfc3339
from casare_rpa.domain.limits import RateLimit, TokenBucket
from casare_rpa.domain.protocol import CloseCode, ErrorCode
from casare_rpa.infrastructure.orchestrator.hub.outbox import OutboundMessage, Outbox, outgoing, text_frame
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

logger = logging.getLogger(__name__)

FAST_LANE_BYTES = 64 * 1024
CLOSE_TIMEOUT_SECONDS = 5.0
FULL_SECONDS = 5.0
RATE_ABUSE_SECONDS = 60.0
BAD_FRAMES_PER_MINUTE = 100

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Unfinished = Awaitable[None] | None
"""What must be awaited before the next message is handled; `None` when this one was done at once."""
Take = Callable[[str], Unfinished]
"""Handles a text."""
UNFINISHED = "casare.unfinished"
"""An event with what `Take` answered, under this key: the reader awaits it."""


class Transport(Protocol):
    """The part of an asyncio transport that the fast lane needs."""

    @property
    def ready(self) -> bool:
        """Whether the peer takes what is written: False from `FAST_LANE_BYTES` that it has not taken until it has taken
        most of them, and for good once the end began."""

    def write(self, data: bytes) -> None: ...

    def abort(self) -> None: ...

    def on_text(self, take: Take | None) -> None:
        """Hand texts over where they are received, while the reader waits for one; `None`: no more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a peer of one endpoint may do. `bad_frames_close`: 100 malformed messages a minute end it with 4000."""

    rate: RateLimit | None
    max_message_bytes: int
    bad_frames_close: bool = False


class Session:
    """A socket after its credential was accepted, before its handshake is answered.

    It starts *held*: what is sent waits until `accept` has answered the handshake, so a peer that was subscribed
    before sees everything that happened after it saw the connection open.
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
        self._take: Take = _ignore
        self._send = send
        self._transport = transport
        self.lane: Transport | None = None
        """The transport, while nothing must go before what is written to it: neither held, nor draining, nor closed.
        The hub writes to it for many at once, in pieces of `FAST_LANE_BYTES` or of one longer message."""
        now = clock.monotonic()
        self._bucket = TokenBucket(limits.rate, now)
        self._outbox = Outbox()
        self._held = True
        self._drain: asyncio.Task[None] | None = None
        self._closer: asyncio.Task[None] | None = None
        self._limited_since: float | None = None
        self._last_notice_at = float("-inf")
        self._bad_frames: deque[float] = deque()
        self.waiting_since: float | None = None
        """Since when (monotonic) we wait for the peer; None while we are the ones who do not read."""
        self.last_sent_at = now
        """When something was sent to this peer (monotonic); what the hub sends to many does not count."""
        self.last_received_at = now

    @property
    def closing(self) -> bool:
        return self.close_code is not None

    async def accept(self) -> None:
        """Answer the handshake, then release what was sent meanwhile, in order. Idempotent."""
        if not self._held:
            return
        await self._send({"type": "websocket.accept"})
        self._held = False
        self._open_lane()
        while len(self._outbox) and self.lane is not None and self.lane.ready:
            self.lane.write(text_frame(self._outbox.pop()))
        self._start_drain()

    # In

    async def read(self, take: Take) -> None:
        """Hand over text frames one by one, at the pace that the rate limit allows; returns when the socket ends.

        One that finds nothing before it is handled where it was received: waking a task for it would cost as much
        as most of them do.
        """
        self._take = take
        if self._transport is not None:
            self._transport.on_text(self._received)
        try:
            while True:
                self.waiting_since = self._clock.monotonic()
                event = await self._receive()
                self.waiting_since = None
                if event["type"] == UNFINISHED:
                    unfinished = event[UNFINISHED]
                elif self.closing or event["type"] == "websocket.disconnect":
                    return
                else:
                    unfinished = self._act(event.get("text"))
                if unfinished is not None:
                    await unfinished
                if self.closing:
                    return
        finally:
            if self._transport is not None:
                self._transport.on_text(None)

    def _received(self, text: str) -> Unfinished:
        """A text in the middle of receiving, while the reader waits."""
        if self.closing:
            return None
        try:
            unfinished = self._act(text)
        except Exception as error:  # noqa: BLE001  # the reader raises it: there the connection ends
            return _failed(error)
        self.waiting_since = self.last_received_at
        if unfinished is None and self.close_code is not None:
            return _nothing()  # so that the reader sees that it ends
        return unfinished

    def _act(self, text: str | None) -> Unfinished:
        self.last_received_at = now = self._clock.monotonic()
        delay = self._bucket.take(now)
        if delay > 0:
            return self._act_later(text, delay, now)
        self._limited_since = None
        return self._hand_over(text)

    async def _act_later(self, text: str | None, delay: float, now: float) -> None:
        await self._slow_down(delay, now)
        unfinished = None if self.closing else self._hand_over(text)
        if unfinished is not None:
            await unfinished

    def _hand_over(self, text: str | None) -> Unfinished:
        if text is None:
            self.bad_frame("message: binary frames are not part of the contract; send JSON as text")
        elif self._too_big(text):
            self.send_error(ErrorCode.INVALID_MESSAGE, f"message: over {self.limits.max_message_bytes} bytes")
            self.close(CloseCode.TOO_BIG)
        else:
            return self._take(text)
        return None

    def _too_big(self, text: str) -> bool:
        limit = self.limits.max_message_bytes
        return len(text) > limit or (len(text) * 4 > limit and len(text.encode()) > limit)

    async def _slow_down(self, delay: float, now: float) -> None:
        """Tell the peer at most once a second, and read nothing until there are tokens again."""
        self.rate_limited += 1
        if self._limited_since is None:
            self._limited_since = now
        elif now - self._limited_since >= RATE_ABUSE_SECONDS:
            self.send_error(ErrorCode.RATE_LIMITED, "over the rate limit for a minute without a pause")
            self.close(CloseCode.RATE_ABUSE)
            return
        if now - self._last_notice_at >= 1.0:
            self._last_notice_at = now
            rate = self.limits.rate
            allowed = "" if rate is None else f": {rate.messages_per_second:g} a second, {rate.burst:g} at once"
            self.send_error(
                ErrorCode.RATE_LIMITED, f"too many messages{allowed}; slow down", retry_after_ms=round(delay * 1000)
            )
        await self._clock.sleep(delay)

    def bad_frame(self, sentence: str, message_id: codec.MessageId | None = None) -> None:
        """Answer malformed input; the connection is kept, unless it is nothing but that."""
        self.send_error(ErrorCode.INVALID_MESSAGE, sentence, message_id)
        if not self.limits.bad_frames_close:
            return
        now = self._clock.monotonic()
        self._bad_frames.append(now)
        while self._bad_frames[0] < now - 60.0:
            self._bad_frames.popleft()
        if len(self._bad_frames) >= BAD_FRAMES_PER_MINUTE:
            self.close(CloseCode.PROTOCOL_ABUSE)

    # Out

    def send(self, message: protocol.Message, message_id: codec.MessageId | None = None) -> None:
        """Send one message to this peer, in order with everything else; never waits."""
        self.deliver(outgoing(codec.encode(message, message_id)))

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
        """Tell the peer of an error of ours, mapped to the contract's codes: the one place that does."""
        if error.code is ErrorCode.INVALID_MESSAGE:
            self.bad_frame(str(error), message_id)
        elif isinstance(error, RateLimited):
            self.send_error(error.code, str(error), message_id, round(error.retry_after_seconds * 1000))
        else:
            self.send_error(error.code, str(error), message_id)

    def deliver(self, message: OutboundMessage) -> None:
        """One framed message: at once on the fast lane, or through the outbox."""
        lane = self.lane
        if lane is not None and lane.ready:
            lane.write(message.frame)
            self.last_sent_at = self._clock.monotonic()
        else:
            self.queue((message,))

    def queue(self, messages: Sequence[OutboundMessage]) -> None:
        """Messages through the outbox, for a peer that is not on the fast lane; dropped once a close was sent."""
        if self.close_code is None:
            for message in messages:
                self._put(message)

    def _open_lane(self) -> None:
        if not self._held and self._drain is None and not self.closing:
            self.lane = self._transport

    def _put(self, message: OutboundMessage) -> None:
        self.dropped += self._outbox.put(message, self._clock.monotonic())
        if self._outbox.overrun:
            self.cut()
        elif not self._held:
            self._start_drain()

    def _start_drain(self) -> None:
        if self._drain is None and len(self._outbox):
            self.lane = None
            self._drain = asyncio.create_task(self._drain_outbox(), name=f"drain {self.session_id}")

    async def _drain_outbox(self) -> None:
        """Send the backlog at the peer's pace; back on the fast lane when there is none."""
        try:
            while len(self._outbox) and not self.closing:
                await self._send({"type": "websocket.send", "text": self._outbox.pop().decode()})
                self.last_sent_at = self._clock.monotonic()
        except OSError as error:  # the peer is gone: the reader sees it too
            logger.debug("session %s: lost while sending: %s", self.session_id, error)
            self._outbox.clear()
        finally:
            self._drain = None
            self._open_lane()

    async def drained(self) -> None:
        """Wait until the peer has taken its backlog, or is gone."""
        if self._drain is not None:
            await asyncio.wait({self._drain})

    # End

    def stalled(self, now: float) -> bool:
        """Whether the outbox has been full for longer than a peer may take."""
        full_since = self._outbox.full_since
        return full_since is not None and now - full_since >= FULL_SECONDS

    def silent_seconds(self, now: float) -> float:
        """How long the peer has said nothing while we were reading."""
        return 0.0 if self.waiting_since is None else now - self.waiting_since

    def cut(self) -> None:
        """End a peer that does not read: its backlog is given up."""
        self._outbox.clear()
        self.close(CloseCode.SLOW_CONSUMER)

    def close(self, code: CloseCode, reason: str = "") -> None:
        """Close after what was sent; nothing is written once the close was. Returns at once; idempotent."""
        if self.closing:
            return
        self.close_code = code
        self.lane = None
        self._closer = asyncio.create_task(self._close(code, reason or code.meaning), name=f"close {self.session_id}")

    async def _close(self, code: CloseCode, reason: str) -> None:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await self.accept()  # a close code needs a connection; without one it would be an HTTP status
                await self.drained()
                while len(self._outbox):
                    await self._send({"type": "websocket.send", "text": self._outbox.pop().decode()})
                await self._send({"type": "websocket.close", "code": int(code), "reason": reason[:120]})
        except (TimeoutError, OSError, RuntimeError) as error:
            logger.debug("session %s: closed without a handshake: %s", self.session_id, error)
            if self._transport is not None:
                self._transport.abort()

    async def closed(self) -> None:
        """Wait until a close that was begun is through."""
        if self._closer is not None:
            await asyncio.wait({self._closer})


def _ignore(_text: str) -> None:
    """What is done with a text before anybody reads: nothing comes then."""


async def _nothing() -> None:
    """To be awaited where nothing is left to do."""


async def _failed(error: Exception) -> None:
    raise error
