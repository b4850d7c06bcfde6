"""A minimal WebSocket client: no queue, no task, and parsing only on request.

Frames are built once and masked with zeros, which does not change the payload. Received bytes are passed on unparsed,
because counting a word in them is many times faster than parsing them.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
)
ACCEPTED = b"HTTP/1.1 101"
CONNECT_SECONDS = 60.0

Sink = Callable[["Peer", bytes], None]


def frame(payload: bytes, opcode: int = 1) -> bytes:
    """One whole frame from a client. Source: RFC 6455, section 5.2."""
    size = len(payload)
    if size < 126:
        header = bytes((0x80 | opcode, 0x80 | size))
    elif size < 65536:
        header = bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big")
    else:
        header = bytes((0x80 | opcode, 0xFF)) + size.to_bytes(8, "big")
    return header + b"\0\0\0\0" + payload


def message(kind: str, payload: dict[str, Any], message_id: str | None = None) -> bytes:
    """A message of the contract as one frame."""
    envelope: dict[str, Any] = {"type": kind, "payload": payload}
    if message_id is not None:
        envelope["id"] = message_id
    return frame(json.dumps(envelope, separators=(",", ":")).encode())


STAMP, STAMP_DIGITS = b'"message":"t', 20


def stamp() -> str:
    """The text of a message with its sending time."""
    return f"t{time.monotonic_ns():0{STAMP_DIGITS}}"


def sent_at(payload: bytes) -> int | None:
    """The sending time in a message, in monotonic ns; `None` if it has none."""
    at = payload.find(STAMP)
    return None if at < 0 else int(payload[at + len(STAMP) : at + len(STAMP) + STAMP_DIGITS])


class Frames:
    """Splits the bytes of a server into payloads."""

    def __init__(self) -> None:
        self._rest = b""

    def of(self, data: bytes) -> Iterator[bytes]:
        """The complete payloads so far, without pings and closes."""
        data = self._rest + data
        at = 0
        while len(data) - at >= 2:
            size, start = data[at + 1], at + 2
            if size >= 126:
                width = 2 if size == 126 else 8
                size = int.from_bytes(data[start : start + width], "big")
                start += width
            if start + size > len(data):
                break
            if data[at] & 0x0F in (1, 2):
                yield data[start : start + size]
            at = start + size
        self._rest = data[at:]


class Peer(asyncio.Protocol):
    """One connection. `sink` gets every piece of bytes after the answer to the handshake."""

    def __init__(self, request: bytes, sink: Sink) -> None:
        self._request = request
        self.sink = sink
        self.frames = Frames()
        self.tail = b""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = asyncio.Event()
        self.transport: asyncio.Transport
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.send = self.transport.write
        self.fileno: int = transport.get_extra_info("socket").fileno()
        self.send(self._request)

    def data_received(self, data: bytes) -> None:
        if self.opened.done():
            self.sink(self, data)
            return
        self._answer += data
        head, end, rest = self._answer.partition(b"\r\n\r\n")
        if not end:
            return
        if not head.startswith(ACCEPTED):
            self.opened.set_exception(ConnectionError(head.decode("latin-1")))
            return
        self.opened.set_result(None)
        if rest:
            self.sink(self, rest)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("closed before the handshake was answered"))

    def close(self) -> None:
        self.transport.abort()


async def connect(host: str, port: int, path: str, sink: Sink, headers: dict[str, str] | None = None) -> Peer:
    """An open connection. Raises ConnectionError or TimeoutError if it is refused or not answered within a minute."""
    more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    request = HANDSHAKE.format(path=path, host=f"{host}:{port}", more=more).encode()
    async with asyncio.timeout(CONNECT_SECONDS):
        _, peer = await asyncio.get_running_loop().create_connection(lambda: Peer(request, sink), host, port)
        await peer.opened
    return peer


class Requests(asyncio.Protocol):
    """One kept HTTP connection for successive requests."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self._buffer = b""
        self._waiting: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        size = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < size or self._waiting is None or self._waiting.done():
            return
        self._buffer = b""
        waiting, self._waiting = self._waiting, None
        if head.startswith(b"HTTP/1.1 2"):
            waiting.set_result(body)
        else:
            waiting.set_exception(ConnectionError((head + body)[:500].decode("latin-1")))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionError("closed before the answer"))

    async def send(self, request: bytes) -> bytes:
        """The body of the answer. Raises ConnectionError unless it is 2xx."""
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._waiting


async def requests(host: str, port: int) -> Requests:
    _, protocol = await asyncio.get_running_loop().create_connection(Requests, host, port)
    return protocol


def get(path: str, headers: dict[str, str]) -> bytes:
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}\r\n".encode()


def post(path: str, body: object, headers: dict[str, str]) -> bytes:
    """A POST with a JSON body."""
    content = json.dumps(body, separators=(",", ":")).encode()
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{more}"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content
