"""WebSocket handshakes: which are accepted, and how the connection changes to a WebSocket protocol.

For a handshake uvicorn writes the parsed request out again and has the websockets library parse it. That is a tenth of
the cost of a connection, and a request that the library cannot parse gets no answer at all. Here the parsed request is
checked and used as it is. Every handshake that RFC 6455 allows is accepted: some clients send `Content-Length: 0`, for
example those of the JDK. `tests/wire/heads` has the requests of real clients. Source: RFC 6455, section 4.
"""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.http11 import MAX_LINE_LENGTH, MAX_NUM_HEADERS, Request
from websockets.protocol import Protocol

from casare_rpa.domain.limits import MAX_QUERY_BYTES
from casare_rpa.infrastructure.orchestrator.ports.sockets import ADMIT_EXTENSION
from casare_rpa.infrastructure.orchestrator.transport.connection_gate import Guest

LINGER_SECONDS = 2.0
"""How long a refused connection is still read, so that TCP does not reset it before the peer has our answer."""
WEBSOCKET_VERSION = b"13"


class UpgradedProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol, started with a request that is parsed already."""

    def begin(self, request: Request, http: HttpToolsProtocol, guest: Guest) -> None:
        """Take over the transport from the protocol that read the request, and start the application."""
        self.transport, self.server, self.client = http.transport, http.server, http.client
        self.scheme = "wss" if http.scheme == "https" else "ws"
        self._guest = guest
        self.connections.add(self)
        # A ServerProtocol begins with the parser of the request. Protocol.parse is the parser of frames, which the
        # library would switch to by itself after it has parsed the request; next() runs it to its first read.
        self.conn.parser = Protocol.parse(self.conn)
        next(self.conn.parser)
        self.handle_connect(request)

    async def run_asgi(self) -> None:
        extensions = self.scope["extensions"]
        if extensions is not None:
            extensions[ADMIT_EXTENSION] = {"admit": self._guest.admit}
        await super().run_asgi()

    def connection_lost(self, exc: Exception | None) -> None:
        self._guest.leave()
        super().connection_lost(exc)


def request_of(url: bytes, headers: list[tuple[bytes, bytes]]) -> Request:
    """The request as the websockets library knows it: without scheme and host, if its address has them.

    The query is cut one byte above the limit, so that the endpoint refuses it with a close code, as any other bad one.
    """
    if not url.startswith(b"/"):
        parts = httptools.parse_url(url)
        url = (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")
    decoded = [(name.decode("ascii"), value.decode("latin-1")) for name, value in headers]
    return Request(_with_query_cut(url).decode("ascii"), Headers(decoded))


def handshake_problem(method: str, url: bytes, headers: list[tuple[bytes, bytes]]) -> tuple[int, str] | None:
    """The status and sentence with which an upgrade is refused; `None` when it is a valid handshake.

    A handshake without `Sec-WebSocket-Key`, or with a bad one, is left to the websockets library.
    """
    if method != "GET":
        return 405, "method: a WebSocket is opened by GET"
    if any(name == b"transfer-encoding" or (name == b"content-length" and int(value)) for name, value in headers):
        return 400, "body: a handshake must not have a body"
    if [value for name, value in headers if name == b"sec-websocket-version"] != [WEBSOCKET_VERSION]:
        return 426, "Sec-WebSocket-Version: it must be 13"
    longest = max(
        len(_with_query_cut(url)) + len("GET  HTTP/1.1"), *(len(name) + len(value) for name, value in headers)
    )
    if longest > MAX_LINE_LENGTH - len(": \r\n") or len(headers) > MAX_NUM_HEADERS:
        return 431, "request: its address or a header is too long, or there are too many headers"
    return None


def _with_query_cut(url: bytes) -> bytes:
    path, mark, query = url.partition(b"?")
    return path + mark + query[: MAX_QUERY_BYTES + 1]
