"""The uvicorn part: a server that drains before it stops, and sockets that hand us their transport."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState
from websockets.frames import Frame, apply_mask  # type: ignore[attr-defined]  # the mask in C, where that was built
from websockets.http11 import Request
from websockets.protocol import State

from casare_rpa.domain.protocol import CloseCode
from casare_rpa.infrastructure.orchestrator.hub.session import Take
from casare_rpa.infrastructure.orchestrator.transport.handshake import (
    LINGER_SECONDS,
    DeadlineProtocol,
    UpgradedProtocol,
)
from casare_rpa.infrastructure.orchestrator.transport.text_queue import TextQueue

TRANSPORT_EXTENSION = "casare.transport"
PING_INTERVAL_SECONDS = 20.0
MAX_MESSAGE_BYTES = 256 * 1024
WHOLE_TEXT, MASKED, TWO_BYTES = 0x81, 0x80, 126
HEADER_BYTES = 8
"""The first byte of a whole text message, what the second one adds for a mask, and what it says when two bytes of
length follow. Source: RFC 6455, section 5.2."""
PIECE_BYTES = 4 * 1024
"""What is parsed at one go: frames may have six bytes, and 256 KiB of those would hold up everybody for a while."""
MAX_FRAGMENTS = 16 * 1024
"""Of one message: empty ones count against no size, and would pile up for ever."""
MAX_WAITING_MESSAGES = 16
"""Parsed and not yet taken, before a peer is not read any further: with one, each message would stop and start it."""
MAX_WAITING_BYTES = 256 * 1024


class RawLane:
    """The transport as the hub writes to it.

    `ready` is kept, not asked for: a broadcast looks at it for each viewer. It is False from `pause` to `resume`, which
    is from 64 KiB that the peer has not taken until less than 16 KiB are left, and for good from `shut` on.
    """

    __slots__ = ("_inbox", "_shut", "_transport", "ready", "write")

    def __init__(self, transport: asyncio.Transport, inbox: TextQueue) -> None:
        self.ready = True
        self.write = transport.write
        self._transport = transport
        self._inbox = inbox
        self._shut = False

    def pause(self) -> None:
        self.ready = False

    def resume(self) -> None:
        self.ready = not self._shut

    def shut(self) -> None:
        """Before a close frame is written, or the transport closed: nothing may follow."""
        self.ready, self._shut = False, True

    def abort(self) -> None:
        self.shut()
        self._transport.abort()

    def on_text(self, take: Take | None) -> None:
        if take is None:
            self._inbox.leave()
        else:
            self._inbox.take = take


class GuardedProtocol(UpgradedProtocol):
    """uvicorn's protocol without what a rude peer could do to it, and with its transport in the scope's extensions.

    The transport is what the hub's fast lane needs. Raw writes are safe beside the library's own: it sends whole
    frames, unfragmented and uncompressed.
    """

    def __init__(self, config: uvicorn.Config, server_state: ServerState, app_state: dict[str, object]) -> None:
        super().__init__(config, server_state, app_state)
        self.inbox = TextQueue(self.loop)
        self.queue = self.inbox  # type: ignore[assignment]  # what uvicorn does with its queue, this can do too
        self._unparsed = bytearray()
        self._incomplete = False
        """Whether what is unparsed is the beginning of a frame, of which more must come."""
        self._parsing: asyncio.Handle | None = None
        self._failed = False
        self._heard = False
        self._last_word: asyncio.TimerHandle | None = None
        self._at_boundary = False
        """Whether the library's parser is known to wait for the beginning of a frame: nobody has fed it since."""

    def begin(self, request: Request, http: HttpToolsProtocol) -> None:
        self.lane = RawLane(http.transport, self.inbox)
        super().begin(request, http)

    async def run_asgi(self) -> None:
        extensions = self.scope["extensions"]
        if extensions is not None:
            extensions[TRANSPORT_EXTENSION] = {"transport": self.lane}
        await super().run_asgi()

    def pause_writing(self) -> None:
        self.lane.pause()
        super().pause_writing()

    def resume_writing(self) -> None:
        self.lane.resume()
        super().resume_writing()

    def eof_received(self) -> None:
        self.lane.shut()  # the transport closes now

    def connection_lost(self, exc: Exception | None) -> None:
        self.lane.shut()
        if self._last_word is not None:
            self._last_word.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        self._end()
        super().shutdown()

    def handle_close(self, event: Frame) -> None:
        self._end()
        super().handle_close(event)

    def _end(self) -> None:
        """Nothing follows; and a peer that does not take what was written is not waited for: a transport that is closed
        waits for that without a limit."""
        self.lane.shut()
        if self._last_word is None:
            self._last_word = self.loop.call_later(self.close_timeout + LINGER_SECONDS, self.transport.abort)

    def send_keepalive_ping(self) -> None:
        if self._heard:  # the way is open: a ping would tell nobody anything
            self._heard = False
            self.schedule_ping()
        else:
            super().send_keepalive_ping()

    def data_received(self, data: bytes) -> None:
        if self._failed:
            return
        self._heard = True
        if self.handshake_complete and not self._unparsed and len(data) <= PIECE_BYTES:
            rest = self._parse(data)
            if rest:
                self._unparsed += rest
                self._incomplete = True
            return
        self._unparsed += data
        self._incomplete = False
        self.transport.pause_reading()
        self._read_on()

    def _parse_piece(self) -> None:
        self._parsing = None
        if self._failed or self.transport.is_closing():
            return
        piece = bytes(self._unparsed[:PIECE_BYTES])
        rest = len(self._parse(piece))
        if rest == PIECE_BYTES:  # a frame longer than a piece: the library puts it together
            self._parse_by_library(piece)
            rest = 0
        del self._unparsed[: len(piece) - rest]
        self._incomplete = 0 < rest == len(self._unparsed)
        self._read_on()

    def _parse(self, data: bytes) -> bytes:
        """Take what is whole; answers what stands at the end of a text frame that goes on."""
        if not self._between_frames():
            self._parse_by_library(data)
            return b""
        taken, goes_on = self._take_texts(data)
        rest = data[taken:] if taken else data
        if goes_on or not rest:
            return rest
        self._parse_by_library(rest)
        return b""

    def _between_frames(self) -> bool:
        """Whether the next byte begins a message, as far as the library's parser knows."""
        if self.close_sent:
            return False
        if not self._at_boundary:
            conn = self.conn
            if conn.state is not State.OPEN or conn.current_size is not None:
                return False
            at: Any = conn.parser
            while (inner := at.gi_yieldfrom) is not None:
                at = inner
            self._at_boundary = at.__name__ == "at_eof"  # else it waits for the rest of a frame
        return self._at_boundary

    def _parse_by_library(self, data: bytes) -> None:
        self._at_boundary = False
        super().data_received(data)

    def _take_texts(self, data: bytes) -> tuple[int, bool]:
        """Queue the whole text frames at the front, as nearly all are; answers how many bytes they are, and whether
        what is left begins another.

        The library's parser goes over a frame byte by byte in generators, which takes three times as long. It gets
        whatever is anything else: pieces, other kinds, and all that is wrong.
        """
        size, position = len(data), 0
        while size - position > HEADER_BYTES and data[position] == WHOLE_TEXT:
            length = data[position + 1] - MASKED
            if not 0 <= length <= TWO_BYTES:
                break
            start = position + 6
            if length == TWO_BYTES:
                length = int.from_bytes(data[position + 2 : position + 4], "big")
                start = position + 8
            if start + length > size:
                return position, True
            try:
                text = str(apply_mask(data[start : start + length], data[start - 4 : start]), "utf-8")
            except UnicodeDecodeError:
                break
            self._queue_text(text)
            position = start + length
        return position, False

    def _queue_text(self, text: str) -> None:
        self.inbox.put_text(text)
        waiting = len(self.inbox)  # none, when it was taken at once: nobody would come to read on
        if waiting and not self.read_paused and (len(text) > PIECE_BYTES or waiting >= MAX_WAITING_MESSAGES):
            self.read_paused = True
            self.transport.pause_reading()

    def _read_on(self) -> None:
        """Parse the next piece when others had their turn; read more when all is parsed and the messages are taken.

        Nothing before the handshake is answered: a frame would be answered first, a broken one has nothing to fail.
        """
        if not self.handshake_complete or self.read_paused or self.transport.is_closing():
            return
        if not self._unparsed or self._incomplete:
            self.transport.resume_reading()
            return
        self.transport.pause_reading()
        if self._parsing is None:
            self._parsing = self.loop.call_soon(self._parse_piece)

    async def receive(self) -> ASGIReceiveEvent:
        event = await self.inbox.get()
        if self.read_paused and not self.inbox:
            self.read_paused = False
            self.transport.resume_reading()
        if self._unparsed and not self._incomplete:
            self._read_on()
        return event

    async def send(self, message: ASGISendEvent) -> None:
        if self.close_sent and message["type"] == "websocket.send":
            raise ClientDisconnected  # a broken frame has ended it; the reader is told, but this is earlier
        if message["type"] == "websocket.close":
            self._end()
        opening = not self.handshake_complete
        await super().send(message)
        if opening and self.handshake_complete:
            del self.request, self.response  # two dozen objects, kept for as long as the connection
        if (self._unparsed and not self._incomplete) or (opening and self.handshake_complete):
            self._read_on()

    def handle_ping(self) -> None:
        if self._failed:
            return  # a ping behind what it failed by, in one piece with that
        if self.conn.state is not State.OPEN:
            self.lane.shut()  # a close came in one piece with this, and is answered along with it
        if self.transport.get_write_buffer_size() < MAX_WAITING_BYTES:
            super().handle_ping()
        else:
            self.conn.data_to_send()  # nobody reads our answers: this one would only take memory

    def handle_text(self, event: Frame) -> None:
        if not event.fin or self.close_sent:
            super().handle_text(event)
            return
        try:  # a whole message, as nearly all are: without the ways of those in pieces
            text = str(event.data, "utf-8")
        except UnicodeDecodeError:
            self._fail(CloseCode.NO_TEXT, "not UTF-8")
            return
        self._queue_text(text)

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= MAX_FRAGMENTS:
            self._fail(CloseCode.TOO_BIG, f"over {MAX_FRAGMENTS} fragments")
        else:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not self._is_text():
            self._fail(CloseCode.NO_TEXT, "not UTF-8")
        else:
            super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """Tell the peer why, and read what it still sends: closed over unread bytes, TCP would take back our word."""
        close = self.conn.close_sent
        assert close is not None
        self._end()
        self._failed = self.close_sent = True
        self._unparsed.clear()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.read_paused = False
        self.transport.resume_reading()
        self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _fail(self, code: CloseCode, reason: str) -> None:
        if not self.close_sent:  # else it has failed already: this was parsed along with what it failed by
            self.conn.fail(code, reason)
            self.handle_parser_exception()

    def _is_text(self) -> bool:
        """Whether the whole message is UTF-8; uvicorn would log a traceback when it is not."""
        self.frames = [b"".join(self.frames)]
        try:
            self.frames[0].decode()
        except UnicodeDecodeError:
            return False
        return True


class DrainingServer(uvicorn.Server):
    """On SIGTERM or SIGINT it first tells the peers goodbye, then stops; a second signal stops at once."""

    def __init__(self, config: uvicorn.Config, drain: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._drain = drain
        self._draining: asyncio.Task[None] | None = None
        self.start_decided = asyncio.Event()
        """Set when start-up is through; `started` then says whether it answers."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.start_decided.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()

        def handle(_signal: int, _frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.stop)

        before = {sig: signal.signal(sig, handle) for sig in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)

    def stop(self) -> None:
        """Drain, then stop; called again, stop without waiting."""
        if self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self._drain_then_stop(), name="drain")
        else:
            self.should_exit = self.force_exit = True

    async def _drain_then_stop(self) -> None:
        try:
            await self._drain()
        finally:
            self.should_exit = True


def make_server(
    app: object, *, drain: Callable[[], Awaitable[None]], stop_seconds: int, handshake_timeout_seconds: float
) -> DrainingServer:
    """The server as it must be set up: strict sizes, no compression, pings without a verdict of the library's."""
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]  # uvicorn's union of application types
        http=partial(DeadlineProtocol, timeout_seconds=handshake_timeout_seconds),  # type: ignore[arg-type]
        ws=GuardedProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=PING_INTERVAL_SECONDS,
        ws_ping_timeout=None,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=stop_seconds,
        lifespan="on",
    )
    return DrainingServer(config, drain)
