"""The fast socket path, `CASARE_WIRE=fast`: texts are parsed here, handled where they are received, and broadcast raw.

Plain path, `CASARE_WIRE=plain`                    Fast path, `CASARE_WIRE=fast`

  socket                                             socket
    │ data_received                                    │ data_received
  GuardedProtocol                                    FastProtocol
    │ the library parses each byte                     │ _take_texts parses whole text frames
  asyncio.Queue ── wakes ──▶ Session.read              │ TextQueue.direct: the reader waits
                               │ await receive()       ▼
                               ▼                     Session._text_received   (jump 1: set by Session.read)
                             handler(text)             ▼
                                                     handler(text)
                                                       │ returns None: done
                                                       │ returns an awaitable (`Unfinished`)
                                                     TextQueue ── wakes ──▶ Session.read awaits it   (jump 2)

  Session.deliver                                    Session.deliver, Hub broadcast
    │ Outbox, a task per backlog                       │ lane.ready
  await send(...)                                    RawLane.write = transport.write   (jump 3)

Both paths call the same handlers in the same order, from different callers. Three objects are shared between the
transport and the session: `RawLane` (the transport in the ASGI scope), the handler that `Session.read` stores there,
and `Unfinished`, the result of the handler: `None` when the text is handled, otherwise an awaitable that `Session.read`
awaits before the next text. The fast path exists because waking a task costs as much as handling most texts, and the
library's parser takes three times as long as this one. Source: docs/explanation/performance.md.
"""

import asyncio
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame, apply_mask  # type: ignore[attr-defined]  # the mask in C, where that was built
from websockets.http11 import Request
from websockets.protocol import State

from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.ports.sockets import TRANSPORT_EXTENSION, TextHandler
from casare_rpa.infrastructure.orchestrator.transport.connection_gate import Guest
from casare_rpa.infrastructure.orchestrator.transport.guarded_protocol import LONG_TEXT, PIECE_BYTES, GuardedProtocol
from casare_rpa.infrastructure.orchestrator.transport.loop_turns import Lane
from casare_rpa.infrastructure.orchestrator.transport.text_queue import TextQueue

FINAL_TEXT, MASKED, TWO_BYTE_LENGTH = 0x81, 0x80, 126
"""The first byte of an unfragmented text frame, the mask bit of the second byte, and the length value after which two
bytes of length follow. Source: RFC 6455, section 5.2."""
SHORT_HEADER_BYTES, LONG_HEADER_BYTES = 6, 8
"""The size of a masked header without and with two bytes of length."""
MAX_WAITING_MESSAGES = 16
"""Messages that may wait for the application before reading stops. With one, each message would stop and start it."""


class RawLane:
    """The transport of one connection as the hub writes to it.

    `ready` is an attribute and not computed, because a broadcast reads it for each viewer. It is False from `pause` to
    `resume`, which is from 64 KiB that the peer has not taken until less than 16 KiB are left, and always after
    `shut`. Raw writes are safe beside the library's own: each is a whole frame, unfragmented and uncompressed.
    """

    __slots__ = ("_queue", "_shut", "_transport", "ready", "write")

    def __init__(self, transport: asyncio.Transport, queue: TextQueue) -> None:
        self.ready = True
        self.write = transport.write
        self._transport = transport
        self._queue = queue
        self._shut = False

    def pause(self) -> None:
        self.ready = False

    def resume(self) -> None:
        self.ready = not self._shut

    def shut(self) -> None:
        """Called before a close frame is written or the transport closed: no frame may follow."""
        self.ready, self._shut = False, True

    def abort(self) -> None:
        self.shut()
        self._transport.abort()

    def set_text_handler(self, handler: TextHandler | None) -> None:
        """Call `handler` with each text while the reader waits for one; `None` ends that."""
        if handler is None:
            self._queue.remove_handler()
        else:
            self._queue.handler = handler


class FastProtocol(GuardedProtocol):
    """A connection whose whole text frames bypass the library's parser, with its transport in the ASGI scope.

    Peers send nearly only whole text frames. All other frames (fragments, other opcodes, malformed ones) go to the
    library, so that its checks and its close codes apply.
    """

    def __init__(
        self, config: uvicorn.Config, server_state: ServerState, app_state: dict[str, object], **lanes: Lane
    ) -> None:
        super().__init__(config, server_state, app_state, **lanes)
        self._texts = TextQueue(self.loop)
        # uvicorn only calls put_nowait, get and empty. Its asyncio.Queue looks up the running loop for each message,
        # which is a system call.
        self.queue = self._texts  # type: ignore[assignment]
        self._at_frame_start = False
        """Whether the library's parser is known to expect the first byte of a message; set until it gets data."""

    def begin(self, request: Request, http: HttpToolsProtocol, guest: Guest) -> None:
        self.lane = RawLane(http.transport, self._texts)
        super().begin(request, http, guest)

    async def run_asgi(self) -> None:
        extensions = self.scope["extensions"]
        if extensions is not None:
            extensions[TRANSPORT_EXTENSION] = {"transport": self.lane}
        await super().run_asgi()

    # The lane follows the transport and the close of either side

    def pause_writing(self) -> None:
        self.lane.pause()
        super().pause_writing()

    def resume_writing(self) -> None:
        self.lane.resume()
        super().resume_writing()

    def eof_received(self) -> None:
        self.lane.shut()  # returning None makes asyncio close the transport now

    def _expect_end(self) -> None:
        self.lane.shut()
        super()._expect_end()

    def handle_ping(self) -> None:
        if self.conn.state is not State.OPEN:
            self.lane.shut()  # a close came in the same piece, and the library answers both together
        super().handle_ping()

    # Parsing

    def data_received(self, data: bytes) -> None:
        # The short path for nearly every read: whole text frames between two frames of the library. The flag is False
        # before the handshake is answered, inside of a frame, and after a failure, so none of these is checked here.
        if self._at_frame_start and not self._unparsed and not self.close_sent and len(data) <= PIECE_BYTES:
            self._received_since_ping = True
            taken, _ = self._take_texts(data)
            if taken == len(data):
                return
            data = data[taken:]
        super().data_received(data)

    def _parse(self, data: bytes) -> bytes:
        if not (self._at_frame_start or self._find_frame_start()) or self.close_sent:
            self._parse_whole(data)
            return b""
        taken, goes_on = self._take_texts(data)
        rest = data[taken:] if taken else data
        if goes_on or not rest:
            return rest
        self._parse_whole(rest)
        return b""

    def _parse_whole(self, data: bytes) -> None:
        self._at_frame_start = False
        super()._parse_whole(data)

    def _find_frame_start(self) -> bool:
        """Whether the library's parser expects the first byte of a message next.

        The library has no function for this, so this looks for the innermost of its suspended generators: between two
        frames it is `at_eof`, inside a frame one that waits for bytes. `current_size` is set during a fragmented
        message. If websockets renames any of these, every frame goes to its parser, which is slower and still correct;
        test_whole_texts_do_not_reach_the_parser_of_the_library then fails.
        """
        conn = self.conn
        if conn.state is not State.OPEN or conn.current_size is not None:
            return False
        at: Any = conn.parser
        while (inner := at.gi_yieldfrom) is not None:
            at = inner
        self._at_frame_start = at.__name__ == "at_eof"
        return self._at_frame_start

    def _take_texts(self, data: bytes) -> tuple[int, bool]:
        """Handle the whole text frames at the front; returns their size in bytes, and whether the rest begins another.

        Stops at the first byte of any other frame, which the library parses.
        """
        size, position = len(data), 0
        while size - position > LONG_HEADER_BYTES and data[position] == FINAL_TEXT:
            length = data[position + 1] - MASKED
            if not 0 <= length <= TWO_BYTE_LENGTH:
                break
            start = position + SHORT_HEADER_BYTES
            if length == TWO_BYTE_LENGTH:
                length = int.from_bytes(data[position + 2 : position + 4], "big")
                start = position + LONG_HEADER_BYTES
            if start + length > size:
                return position, True
            try:
                text = str(apply_mask(data[start : start + length], data[start - 4 : start]), "utf-8")
            except UnicodeDecodeError:
                break
            if (direct := self._texts.direct) is None:
                self._queue_text(text)
            elif (unfinished := direct(text)) is not None:
                self._texts.put_unfinished(unfinished)
            position = start + length
        return position, False

    def _queue_text(self, text: str) -> None:
        """Handle or queue a text; stop reading while many texts wait, or a large one.

        A long one is always queued, because its reader waits for a turn: the last bytes of many can come at once.
        """
        self.note_answer()
        queued = self._texts.put_text(text, at_once=len(text) <= LONG_TEXT)
        if queued and not self.read_paused and (len(text) > PIECE_BYTES or len(self._texts) >= MAX_WAITING_MESSAGES):
            self.read_paused = True
            self.transport.pause_reading()

    def handle_text(self, event: Frame) -> None:
        """A text frame that the library has parsed, because it came in several reads or behind another frame."""
        if not event.fin or self.close_sent:
            super().handle_text(event)
            return
        try:
            text = str(event.data, "utf-8")
        except UnicodeDecodeError:
            self._fail(CloseCode.NO_TEXT, "not UTF-8")
            return
        self._queue_text(text)
