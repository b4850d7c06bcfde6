"""uvicorn's WebSocket protocol with the limits that a hostile or broken peer needs. This is `CASARE_WIRE=plain`.

uvicorn's own class serves well-behaved peers. It differs from this one in five points:

1. It parses everything that one read brings at once, so 256 KiB of tiny frames stop the event loop for a long time.
2. It closes a failed connection over unread bytes. TCP then sends a reset, and the peer loses the close frame.
3. It waits without a limit for a peer that does not read the data before the close.
4. It collects any number of empty fragments, and answers any number of pings of a peer that reads nothing.
5. It logs a traceback for text that is not UTF-8.

The class overrides methods of `WebSocketsSansIOProtocol` that uvicorn does not document. uvicorn is therefore pinned
to one minor version in pyproject.toml; `tests/wire` and `tests/transport` fail when one of these methods changes.
Source: docs/reference/websocket-contract.md, Sizes; RFC 6455, sections 5 and 7.
"""

import asyncio
from functools import partial

import uvicorn
from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState
from websockets.frames import Frame
from websockets.protocol import State

from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.ports.sockets import PEER_EXTENSION, SIZE_EXTENSION
from casare_rpa.infrastructure.orchestrator.transport.handshake import LINGER_SECONDS, UpgradedProtocol
from casare_rpa.infrastructure.orchestrator.transport.loop_turns import Lane

PIECE_BYTES = 4 * 1024
"""The bytes that are parsed before other connections get a turn. The smallest frame has six bytes."""
MAX_CONTROL_BYTES = 125
"""The largest payload of a control frame. Source: RFC 6455, section 5.5."""
MAX_FRAGMENTS = 16 * 1024
"""The largest number of fragments of a message. The size limit does not count empty fragments."""
FRAMES_PER_TURN = 4
"""Pieces that are parsed in one turn of the loop. Each takes up to a millisecond, or as long as the message that it
completes."""
READERS_PER_TURN = 1
"""Readers that one turn wakes for a text longer than a piece, or for the end of their connection. Many can become ready
at the same moment: a limit ends, or a proxy."""
LONG_TEXT = 64 * 1024
"""Characters of a text that can take milliseconds to decode. Such texts have a lane of their own, which rests."""
MAX_UNSENT_BYTES = 256 * 1024
"""Pings of a peer are not answered while more than this is unsent to it."""


class GuardedProtocol(UpgradedProtocol):
    """One WebSocket connection, parsed by the library in pieces.

    Reading from the socket stops while parsed messages wait for the application, and while a piece is left to parse.

    No object of an ended connection refers to itself. If one did, the connections of a peer that connects repeatedly
    would wait for the garbage collector, which stops the event loop for as long as it needs to free all of them.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, object],
        *,
        frames: Lane,
        readers: Lane,
        long_texts: Lane,
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._frames = frames
        self._readers = readers
        self._long_texts = long_texts
        self.linger_seconds = LINGER_SECONDS
        self._unparsed = bytearray()
        self._incomplete = False
        """Whether `_unparsed` is the first part of an incomplete frame."""
        self._failed = False
        self._received_since_ping = False
        self._answer: asyncio.Future[None] | None = None
        self._abort_timer: asyncio.TimerHandle | None = None

    # The end of a connection

    def _expect_end(self) -> None:
        """Start the time limit of the closing handshake.

        Called when a close was sent or received, or when the application has returned; no data is written after that.

        A closed transport waits without a limit until the peer has read all data. It is therefore aborted at the limit.
        """
        if self._abort_timer is None:
            self._abort_timer = self.loop.call_later(self.close_timeout + self.linger_seconds, self.transport.abort)

    async def run_asgi(self) -> None:
        extensions = self.scope["extensions"]
        if extensions is not None:
            extensions[SIZE_EXTENSION] = {"limit": self.limit_messages}
            extensions[PEER_EXTENSION] = {"gone": self.transport.is_closing, "answer": self.await_answer}
        try:
            await super().run_asgi()
        finally:
            if extensions is not None:
                del extensions[SIZE_EXTENSION], extensions[PEER_EXTENSION]
            self._expect_end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_end()  # also when the application still runs: no timer may start after this
        assert self._abort_timer is not None
        self._abort_timer.cancel()
        self.note_answer()
        # The application ends when it gets the event. Hundreds of connections can end at the same moment, so the event
        # waits for its turn, and everything else is done at once.
        late: asyncio.Queue[ASGIReceiveEvent] = asyncio.Queue()
        events, self.queue = self.queue, late
        super().connection_lost(exc)
        self.queue = events
        self._readers.queue(self, partial(events.put_nowait, late.get_nowait()))
        self.conn.parser_exc = self.conn.handshake_exc = None  # their tracebacks refer to the connection

    def shutdown(self) -> None:
        self._expect_end()
        super().shutdown()

    def handle_close(self, event: Frame) -> None:
        self._expect_end()
        super().handle_close(event)
        self.note_answer()

    def handle_parser_exception(self) -> None:
        """Send the close frame of a failed connection and read on until the peer has closed, or `linger_seconds`.

        A socket that is closed while bytes are unread is reset by TCP, and the peer may never see the close frame.
        """
        close = self.conn.close_sent
        assert close is not None
        self._expect_end()
        self._failed = self.close_sent = True
        self._unparsed.clear()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.read_paused = False
        self.transport.resume_reading()
        self.close_timer = self.loop.call_later(self.linger_seconds, self.transport.close)

    def _fail(self, code: CloseCode, reason: str) -> None:
        if not self.close_sent:  # otherwise an earlier frame of the same piece has failed the connection
            self.conn.fail(code, reason)
            self.handle_parser_exception()

    # The answer of the peer

    async def await_answer(self, seconds: float) -> None:
        """Ping the peer, and wait for the pong, a message, or the time. Call it after the handshake was answered.

        Raises:
            ConnectionAbortedError: the peer ended the connection.
        """
        if not self._is_over():
            self._answer = self.loop.create_future()
            self.conn.send_ping(b"")
            self.transport.write(b"".join(self.conn.data_to_send()))
            await asyncio.wait({self._answer}, timeout=seconds)
            self._answer = None
        if self._is_over():
            raise ConnectionAbortedError("the peer has ended the connection")

    def _is_over(self) -> bool:
        return self.transport.is_closing() or self.conn.state is not State.OPEN

    def note_answer(self) -> None:
        """The peer has sent something, or ended the connection."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)

    def handle_pong(self, event: Frame) -> None:
        self.note_answer()
        super().handle_pong(event)

    # Reading

    def limit_messages(self, largest_bytes: int) -> None:
        """Fail the connection with 1009 at the head of a frame by which a message is over the limit.

        The library counts a control frame between two fragments as a part of their message, so there is room for one.
        """
        self.conn.max_message_size = largest_bytes + MAX_CONTROL_BYTES

    def data_received(self, data: bytes) -> None:
        if self._failed:
            return
        self._received_since_ping = True
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

    def _parse(self, data: bytes) -> bytes:
        """Parse a piece; returns the beginning of a frame that must be parsed again with the bytes that follow it.

        This method returns nothing to parse again, because the library's parser keeps incomplete frames.
        """
        super().data_received(data)
        return b""

    def _parse_whole(self, data: bytes) -> None:
        """Parse a piece that holds the beginning of a frame longer than a piece."""
        super().data_received(data)

    def _parse_piece(self) -> None:
        if self._failed or self.transport.is_closing():
            return
        piece = bytes(self._unparsed[:PIECE_BYTES])
        rest = len(self._parse(piece))
        if rest == PIECE_BYTES:
            self._parse_whole(piece)
            rest = 0
        del self._unparsed[: len(piece) - rest]
        self._incomplete = 0 < rest == len(self._unparsed)
        self._read_on()

    def _read_on(self) -> None:
        """Parse the next piece in a later turn of the loop; read more once all is parsed and the messages are taken.

        Parsing starts after the answer to the handshake. Otherwise the answer to a frame could be sent before it.
        """
        if not self.handshake_complete or self.read_paused or self.transport.is_closing():
            return
        if not self._unparsed or self._incomplete:
            self.transport.resume_reading()
            return
        self.transport.pause_reading()
        self._frames.queue(self, self._parse_piece)

    async def receive(self) -> ASGIReceiveEvent:
        event = await super().receive()
        if event["type"] == "websocket.receive" and (length := len(event.get("text") or "")) > PIECE_BYTES:
            await (self._long_texts if length > LONG_TEXT else self._readers).turn()
        if self._unparsed and not self._incomplete:
            self._read_on()  # super() may have resumed reading although a piece is left
        return event

    def handle_ping(self) -> None:
        if self._failed:
            return  # it was parsed in one piece with the frame by which the connection failed
        if self.transport.get_write_buffer_size() < MAX_UNSENT_BYTES:
            super().handle_ping()
        else:
            self.conn.data_to_send()  # drops the pong; the pongs to a peer that does not read would fill the memory

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= MAX_FRAGMENTS:
            self._fail(CloseCode.TOO_BIG, f"over {MAX_FRAGMENTS} fragments")
        else:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        self.note_answer()
        if self.curr_msg_data_type == "text" and not self._is_text():
            self._fail(CloseCode.NO_TEXT, "not UTF-8")
        else:
            super().send_receive_event_to_app()

    def _is_text(self) -> bool:
        """Whether the whole message is UTF-8. The super class would log a traceback when it is not."""
        self.frames = [b"".join(self.frames)]
        try:
            self.frames[0].decode()
        except UnicodeDecodeError:
            return False
        return True

    # Writing

    async def send(self, message: ASGISendEvent) -> None:
        if self.close_sent and message["type"] == "websocket.send":
            raise ClientDisconnected  # a frame of the peer has failed the connection; the reader sees it a turn later
        if message["type"] == "websocket.close":
            self._expect_end()
        opening = not self.handshake_complete
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.transport.is_closing():
            # An answer over HTTP in the place of the handshake is whole. uvicorn would log that there was none.
            self.handshake_complete = True
            return
        opened = opening and self.handshake_complete
        if opened:
            del self.request, self.response  # two dozen objects, which would stay as long as the connection
        if opened or (self._unparsed and not self._incomplete):
            self._read_on()

    def send_keepalive_ping(self) -> None:
        if self._received_since_ping:  # the connection is known to work: no ping is needed
            self._received_since_ping = False
            self.schedule_ping()
        else:
            super().send_keepalive_ping()
