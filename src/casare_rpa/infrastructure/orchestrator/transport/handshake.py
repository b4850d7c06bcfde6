"""HTTP requests and WebSocket handshakes: a deadline for their arrival, limits of size, and answers to malformed ones.

Why not uvicorn's classes as they are:

- uvicorn has no deadline for a request and no limit for its head. A peer that sends a byte a second keeps a connection
  for ever (Slowloris); nginx has `client_header_timeout` and `large_client_header_buffers` for this.
- For a WebSocket handshake uvicorn writes the parsed request out again and has the websockets library parse it. That
  is a tenth of the cost of a connection, and a request that the library cannot parse gets no answer at all.
- Bytes that arrive together with the handshake are lost.
- A response that is closed over unread bytes of the request is reset by TCP, and the peer never sees it.

The overridden methods are private to uvicorn, which is pinned to a minor version; `tests/wire/test_handshakes.py`
covers each of these points. Source: RFC 9112, sections 2 and 9; RFC 6455, section 4.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import get_remote_addr, is_ssl
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.http11 import MAX_LINE_LENGTH, MAX_NUM_HEADERS, Request
from websockets.protocol import Protocol

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.instants import Instant, rfc3339
from casare_rpa.domain.limits import MAX_QUERY_BYTES
from casare_rpa.domain.vocabulary import ErrorCode

LINGER_SECONDS = 2.0
"""How long a refused connection is still read, so that TCP does not reset it before the peer has our answer."""
MAX_HEAD_BYTES = 64 * 1024
WEBSOCKET_VERSION = b"13"


class UpgradedProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol, started with a request that is parsed already."""

    def begin(self, request: Request, http: HttpToolsProtocol) -> None:
        """Take over the transport from the protocol that read the request, and start the application."""
        self.transport, self.server, self.client = http.transport, http.server, http.client
        self.scheme = "wss" if http.scheme == "https" else "ws"
        self.connections.add(self)
        # A ServerProtocol begins with the parser of the request. Protocol.parse is the parser of frames, which the
        # library would switch to by itself after it has parsed the request; next() runs it to its first read.
        self.conn.parser = Protocol.parse(self.conn)
        next(self.conn.parser)
        self.handle_connect(request)


class DeadlineProtocol(HttpToolsProtocol):
    """HTTP/1.1 with a deadline for each whole request and a limit for its head.

    The deadline runs from the first byte of a request (on a new connection: from the accept) to the last byte of its
    body; the time between two requests is limited by uvicorn's keep-alive timeout. `scope["server"]` is always `None`:
    it is not used, and `getsockname` is a twentieth of the cost of a connection.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        timeout_seconds: float,
        now: Callable[[], Instant],
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._timeout_seconds = timeout_seconds
        self._now = now
        self._deadline: asyncio.TimerHandle | None = None
        self._head_open = True
        self._head_bytes = 0
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        self.connections.add(self)
        self.transport, self.flow = transport, FlowControl(transport)
        self.client = get_remote_addr(transport)
        self.scheme = "https" if is_ssl(transport) else "http"
        self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._idle():
            self._start_deadline()
        self._feed(data)
        self._head_bytes = self._head_bytes + len(data) if self._head_open else 0
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(431, f"request: its head is over {MAX_HEAD_BYTES} bytes")

    def _feed(self, data: bytes) -> None:
        """As in the super class, except that bytes behind a handshake go to the WebSocket protocol."""
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(400, "request: not well formed HTTP")
        except httptools.HttpParserUpgrade as upgrade:
            if not self._should_upgrade():
                return  # an upgrade to another protocol is ignored: the parser has read an ordinary request
            self.handle_websocket_upgrade()
            upgraded = self.transport.get_protocol()
            if isinstance(upgraded, UpgradedProtocol) and len(data) > upgrade.args[0]:
                upgraded.data_received(data[upgrade.args[0] :])

    def on_message_begin(self) -> None:
        self._head_open = True
        self._start_deadline()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_open = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._stop_deadline()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._stop_deadline()
        problem = self._handshake_problem()
        if problem is not None:
            self._refuse(*problem)
            return
        self.connections.discard(self)
        upgraded = self.ws_protocol_class(self.config, self.server_state, self.app_state)  # type: ignore[call-arg, misc]
        assert isinstance(upgraded, UpgradedProtocol)
        upgraded.begin(self._request(), self)
        self.transport.set_protocol(upgraded)

    def _request(self) -> Request:
        headers = [(name.decode("ascii"), value.decode("latin-1")) for name, value in self.headers]
        return Request(self.url.decode("ascii"), Headers(headers))

    def _handshake_problem(self) -> tuple[int, str] | None:
        """The status and sentence with which an upgrade is refused; `None` when it is a valid handshake."""
        if not self._idle() or self.flow.write_paused:  # the response to the request before is still being written
            return 400, "request: a WebSocket needs a connection of its own"
        if self.scope["method"] != "GET":
            return 405, "method: a WebSocket is opened by GET"
        names = {name for name, _ in self.headers}
        if names & {b"content-length", b"transfer-encoding"}:
            return 400, "body: a handshake has none"
        if [value for name, value in self.headers if name == b"sec-websocket-version"] != [WEBSOCKET_VERSION]:
            return 426, "Sec-WebSocket-Version: it must be 13"
        self.url = _with_query_cut(self.url)
        longest = max(len(self.url) + len("GET  HTTP/1.1"), *(len(name) + len(value) for name, value in self.headers))
        if longest > MAX_LINE_LENGTH - len(": \r\n") or len(self.headers) > MAX_NUM_HEADERS:
            return 431, "request: its address or a header is too long, or there are too many headers"
        return None

    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete  # type: ignore[redundant-expr]  # None at first

    def _start_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self._timeout_seconds, self._refuse_late)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse_late(self) -> None:
        self._deadline = None
        if self._idle():
            self._refuse(408, f"request: not complete within {self._timeout_seconds:g} seconds")
        else:
            self.transport.close()  # the handler waits for the body, or has begun to answer without it

    def _refuse(self, status: int, sentence: str) -> None:
        """Answer in the contract's form without calling the application, and close after `LINGER_SECONDS`."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        if not self._idle():  # let the handler of this request see that its peer has disconnected
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if not self._idle() and self.cycle.response_started:
            self.transport.close()  # the peer would read a second response as the rest of the first
            return
        timestamp = rfc3339(self._now())
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
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._stop_deadline()
        self._deadline = self.loop.call_later(LINGER_SECONDS, self._close_transport)

    def _close_transport(self) -> None:
        """Close, and abort later, because a closed transport waits without a limit for a peer that does not read."""
        self.transport.close()
        self._deadline = self.loop.call_later(LINGER_SECONDS, self.transport.abort)


def _with_query_cut(url: bytes) -> bytes:
    """The address with its query cut one byte above the limit.

    So the handshake can be parsed, and the endpoint refuses the query with a close code as it does any other bad one.
    """
    path, mark, query = url.partition(b"?")
    return path + mark + query[: MAX_QUERY_BYTES + 1]
