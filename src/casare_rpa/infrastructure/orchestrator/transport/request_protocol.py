"""HTTP requests with limits: deadlines for reading and writing, sizes, and the number of connections.

Why not uvicorn's class as it is:

- It has no deadline for a request and no limit for its head. A peer that sends a byte a second keeps a connection
  indefinitely (Slowloris); nginx has `client_header_timeout` and `large_client_header_buffers` for this.
- It has no deadline for a response. A peer that reads a byte a second keeps the connection and its memory.
- It treats trailers as headers and does not limit them. RFC 9110, section 6.5.1, forbids merging them.
- It parses everything that one read brings, so a read full of pipelined requests makes thousands of objects.
- A response that is closed over unread bytes of the request is reset by TCP, and the peer never sees it.

The overridden methods are private to uvicorn, which is pinned to a minor version; `tests/wire/test_handshakes.py` and
`tests/security` cover each of these points. Source: RFC 9112, sections 2, 7 and 9.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from typing import NoReturn

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.utils import get_remote_addr, is_ssl
from uvicorn.server import ServerState

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.instants import Instant, rfc3339
from casare_rpa.domain.vocabulary import ErrorCode
from casare_rpa.infrastructure.orchestrator.ports.sockets import ADMIT_EXTENSION
from casare_rpa.infrastructure.orchestrator.transport.connection_gate import ConnectionGate
from casare_rpa.infrastructure.orchestrator.transport.handshake import (
    LINGER_SECONDS,
    WEBSOCKET_VERSION,
    UpgradedProtocol,
    handshake_problem,
    request_of,
)
from casare_rpa.infrastructure.orchestrator.transport.loop_turns import Lane, Urgency

MAX_HEAD_BYTES = 64 * 1024
"""The longest head of a request. Also the most that may follow its last byte of body: chunk headers and trailers.

Each eight bytes of a body make up for one other byte, so larger chunks than 48 bytes are not limited. Smaller ones cost
more time than their bytes show: one takes as long as a chunk of a kilobyte.
"""
MAX_ADDRESS_BYTES = 8 * 1024
MAX_HEADERS = 256
MAX_WAITING_BYTES = 512 * 1024
"""The most that may wait for the response to the request before it. One read brings up to 256 KiB."""
HEALTH_CHECK = b"GET /health/"
REQUESTS_PER_TURN = 2
"""Requests without an accepted credential that begin in one turn. One takes 0.5 to 2 ms, also after its first turn."""
PIECE_BYTES = 4 * 1024
"""How much is parsed before it is known whether a request is complete, which ends parsing until its response."""


class RequestProtocol(HttpToolsProtocol):
    """HTTP/1.1 with deadlines and limits; a handshake hands its connection on to an `UpgradedProtocol`.

    The read deadline runs from the first byte of a request (on a new connection: from the accept) to the last byte of
    its body; the time between two requests is limited by `CASARE_KEEP_ALIVE_SECONDS`. The write deadline runs while
    the peer has not read the response. `scope["server"]` is always `None`: it is not used, and `getsockname` is a
    twentieth of the cost of a connection.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        read_timeout_seconds: float,
        write_timeout_seconds: float,
        gate: ConnectionGate,
        requests: Lane,
        now: Callable[[], Instant],
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._read_timeout_seconds = read_timeout_seconds
        self._write_timeout_seconds = write_timeout_seconds
        self._gate = gate
        self._requests = requests
        self._now = now
        self._read_deadline: asyncio.TimerHandle | None = None
        self._write_deadline: asyncio.TimerHandle | None = None
        self._unparsed = bytearray()
        self._unanswered: deque[RequestResponseCycle] = deque()
        """Requests whose head is complete and whose response is not; uvicorn's `cycle` is the last of them."""
        self._head_open = True
        self._message_open = True
        self._body_bytes = 0
        """The bytes of body in the piece that is being parsed."""
        self._bytes_without_body = 0
        self._problem: tuple[int, str] | None = None
        self._refused = False

    # The life of a connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        self.connections.add(self)
        self.transport, self.flow = transport, FlowControl(transport)
        self.client = get_remote_addr(transport)
        self.scheme = "https" if is_ssl(transport) else "http"
        self._guest = self._gate.enter(transport, self.client[0] if self.client else "")
        self._start_read_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._guest.leave()
        self._requests.cancel(self)
        self._unparsed.clear()
        self._stop_read_deadline()
        self._stop_write_deadline()
        self._disconnect_requests()
        super().connection_lost(exc)

    # Reading

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._unparsed += data
        self._read_in_turn()

    def _read_in_turn(self) -> None:
        """Read on now, or in a later turn of the loop if many connections wait. Until then reading stops."""
        if self._guest.admitted:
            self._read_on()
        elif self._requests.run(self, self._take_turn, self._urgency()):
            self.flow.pause_reading()

    def _urgency(self) -> Urgency:
        if self._unparsed.startswith(HEALTH_CHECK):
            return Urgency.HEALTH
        return Urgency.FIRST if self.cycle is None else Urgency.LATER  # type: ignore[redundant-expr]  # None at first

    def _take_turn(self) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()
            self._read_on()

    def _read_on(self) -> None:
        """Parse until a request is complete; what follows it waits for its response, and reading stops."""
        while self._unparsed and not self._refused and not self._waits_for_response():
            if self._idle():
                self._start_read_deadline()
            piece = bytes(self._unparsed[:PIECE_BYTES])
            del self._unparsed[:PIECE_BYTES]
            self._feed(piece)
        if self._refused or not self._unparsed:
            return
        self.flow.pause_reading()
        if len(self._unparsed) > MAX_WAITING_BYTES:  # the handler of a request resumed reading repeatedly
            self._close_transport()

    def _waits_for_response(self) -> bool:
        return not self._message_open and not self._idle()

    def _feed(self, data: bytes) -> None:
        self._body_bytes, began_in_head = 0, self._head_open
        self._parse(data)
        if self._body_bytes and began_in_head:
            self._bytes_without_body = 0
        else:
            others = len(data) - self._body_bytes
            self._bytes_without_body = max(0, self._bytes_without_body + others - self._body_bytes // 8)
        if self._bytes_without_body > MAX_HEAD_BYTES:
            what = "its head is" if self._head_open else "its chunk headers or trailers are"
            self._refuse(431, f"request: {what} over {MAX_HEAD_BYTES} bytes")
        elif self._head_open:
            self._guest.hold(self._bytes_without_body)

    def _parse(self, data: bytes) -> None:
        """As in the super class, except that bytes behind a handshake go to the WebSocket protocol."""
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(*(self._problem or (400, "request: not well formed HTTP")))
        except httptools.HttpParserUpgrade as upgrade:
            # An upgrade to another protocol is ignored: the parser has read an ordinary request.
            if self._should_upgrade():
                self._unparsed[:0] = data[upgrade.args[0] :]
                self.handle_websocket_upgrade()

    def _get_upgrade(self) -> bytes | None:
        """The value of `Upgrade`, if a `Connection` header says that it counts.

        There can be several `Connection` headers: RFC 9110, section 5.3. The super class reads the last one.
        """
        options = b",".join(value.lower() for name, value in self.headers if name == b"connection").split(b",")
        if b"upgrade" not in map(bytes.strip, options):
            return None
        return next((value.lower().strip() for name, value in self.headers if name == b"upgrade"), None)

    def on_message_begin(self) -> None:
        self._head_open = self._message_open = True
        self._bytes_without_body = 0
        self._start_read_deadline()
        super().on_message_begin()
        self.scope["extensions"] = {ADMIT_EXTENSION: {"admit": self._guest.admit}}

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head_open:
            return  # a trailer; nothing here uses them
        if len(self.headers) == MAX_HEADERS:
            self._end_parsing(431, f"request: over {MAX_HEADERS} headers")
        super().on_header(
            name, value.rstrip(b" \t")
        )  # the parser removes only what stands before: RFC 9110, section 5.5

    def on_headers_complete(self) -> None:
        self._head_open = False
        self._guest.hold(0)
        if len(self.url) > MAX_ADDRESS_BYTES and not self._should_upgrade():  # a handshake is refused in its own way
            self._end_parsing(414, f"request: its address is over {MAX_ADDRESS_BYTES} bytes")
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            self._unanswered.append(self.cycle)

    def _end_parsing(self, status: int, sentence: str) -> NoReturn:
        """End `feed_data` from within a callback, and have the request refused with this status."""
        self._problem = status, sentence
        raise ValueError(sentence)

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._message_open = False
        self._stop_read_deadline()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._stop_read_deadline()
        if not self._idle() or self.flow.write_paused:  # the response to the request before is still being written
            self._refuse(400, "request: a WebSocket needs a separate connection")
            return
        problem = handshake_problem(self.scope["method"], self.url, self.headers)
        if problem is not None:
            self._refuse(*problem)
            return
        rest = bytes(self._unparsed)
        self._unparsed.clear()
        self._refused = True  # nothing is parsed as HTTP after this
        self.connections.discard(self)
        upgraded = self.ws_protocol_class(self.config, self.server_state, self.app_state)  # type: ignore[call-arg, misc]
        assert isinstance(upgraded, UpgradedProtocol)
        upgraded.begin(request_of(self.url, self.headers), self, self._guest)
        self.transport.set_protocol(upgraded)
        self.parser = None  # type: ignore[assignment]  # it refers to this object, which would wait for the collector
        if rest:
            upgraded.data_received(rest)

    def _idle(self) -> bool:
        return not self._unanswered

    # Writing

    def on_response_complete(self) -> None:
        self._unanswered.popleft()
        super().on_response_complete()
        if self.transport.is_closing():
            self._start_write_deadline()
        elif self._unparsed:
            self.loop.call_soon(self._read_in_turn)

    def pause_writing(self) -> None:
        self._start_write_deadline()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stop_write_deadline()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._start_write_deadline()

    def shutdown(self) -> None:
        super().shutdown()
        if self.transport.is_closing():
            self._start_write_deadline()

    # Deadlines

    def _start_read_deadline(self) -> None:
        if self._read_deadline is None:
            self._read_deadline = self.loop.call_later(self._read_timeout_seconds, self._refuse_late)

    def _stop_read_deadline(self) -> None:
        if self._read_deadline is not None:
            self._read_deadline.cancel()
            self._read_deadline = None

    def _start_write_deadline(self) -> None:
        """A transport that is closed waits without a limit for a peer that reads nothing, so it is aborted."""
        if self._write_deadline is None:
            self._write_deadline = self.loop.call_later(self._write_timeout_seconds, self.transport.abort)

    def _stop_write_deadline(self) -> None:
        if self._write_deadline is not None and not self.transport.is_closing():
            self._write_deadline.cancel()
            self._write_deadline = None

    def _refuse_late(self) -> None:
        self._read_deadline = None
        if self._idle() and self._message_open and not self._head_open:
            self._close_transport()  # only the rest of a body is late whose request is answered
        else:
            self._refuse(408, f"request: not complete within {self._read_timeout_seconds:g} seconds")

    # Refusals

    def _refuse(self, status: int, sentence: str) -> None:
        """Answer in the contract's form without calling the application, and close after `LINGER_SECONDS`."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._unparsed.clear()
        answering = any(cycle.response_started for cycle in self._unanswered)
        self._disconnect_requests()
        if answering:
            self._close_transport()  # the peer would read a second response as the rest of the first
            return
        self.transport.write(_refusal(status, sentence, rfc3339(self._now())))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._stop_read_deadline()
        self._read_deadline = self.loop.call_later(LINGER_SECONDS, self._close_transport)
        self.flow.resume_reading()  # further data is read and dropped, so that TCP does not reset the connection

    def _disconnect_requests(self) -> None:
        """Let the handlers of all unanswered requests see that the peer has disconnected; none may write then."""
        self.pipeline.clear()
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()

    def _close_transport(self) -> None:
        self._refused = True
        self._disconnect_requests()
        self.transport.close()
        self._stop_read_deadline()
        self._read_deadline = self.loop.call_later(LINGER_SECONDS, self.transport.abort)


def _refusal(status: int, sentence: str, timestamp: str) -> bytes:
    """A whole response with the error body of the contract."""
    body = codec.encode(protocol.Error(code=ErrorCode.INVALID_MESSAGE, message=sentence, timestamp=timestamp))
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "content-type: application/json",
        "cache-control: no-store",
        f"content-length: {len(body)}",
        "connection: close",
    ]
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        lines.append("allow: GET")
    if status == HTTPStatus.UPGRADE_REQUIRED:
        lines += ["upgrade: websocket", f"sec-websocket-version: {WEBSOCKET_VERSION.decode()}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
