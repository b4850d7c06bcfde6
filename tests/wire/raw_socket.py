"""A WebSocket client that writes raw bytes to a socket, so that it can send invalid frames.

Source: RFC 6455, sections 4 and 5.
"""

import asyncio
import base64
import hashlib
import json
import os
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10
WITHIN_SECONDS = 10.0


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = b"\x37\xfa\x21\x3d",
    length: int | None = None,
    length_bytes: int | None = None,
) -> bytes:
    """One frame. `length` is the length in its header, written in `length_bytes` (0, 2 or 8) bytes."""
    claimed = len(payload) if length is None else length
    size = length_bytes if length_bytes is not None else 0 if claimed < 126 else 2 if claimed < 65536 else 8
    short = {0: claimed, 2: 126, 8: 127}[size]
    header = bytes((opcode | rsv | (FIN if fin else 0), short | (0x80 if mask is not None else 0)))
    header += claimed.to_bytes(size, "big") if size else b""
    if mask is None:
        return header + payload
    key = (mask * (len(payload) // 4 + 1))[: len(payload)]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(len(payload), "big")
    return header + mask + masked


def fragments(payload: bytes, *cuts: int, opcode: int = TEXT) -> list[bytes]:
    """The frames of a message that is split at these positions."""
    edges = [0, *cuts, len(payload)]
    pieces = [payload[start:end] for start, end in pairwise(edges)]
    last = len(pieces) - 1
    return [frame(CONT if i else opcode, piece, fin=i == last) for i, piece in enumerate(pieces)]


def closing(code: int | None = None, reason: bytes = b"") -> bytes:
    """A close frame."""
    return frame(CLOSE, b"" if code is None else code.to_bytes(2, "big") + reason)


@dataclass(frozen=True)
class Frame:
    """A received frame."""

    opcode: int
    payload: bytes
    head: int

    @property
    def code(self) -> int | None:
        """The code of a close frame; None when it has none."""
        return int.from_bytes(self.payload[:2], "big") if self.payload else None


@dataclass(frozen=True)
class Response:
    """The head of an HTTP answer, and the body of the length in `content-length`."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def sentence(self) -> str:
        """The message in an error body of the contract."""
        return str(json.loads(self.body)["payload"]["message"])


class RawSocket:
    """A connected TCP socket; every read has a deadline. `seen` holds every message that was read."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.seen: list[dict[str, Any]] = []

    async def send(self, data: bytes | Iterable[bytes]) -> None:
        """Write bytes, or several frames at once."""
        self.writer.write(data if isinstance(data, bytes) else b"".join(data))
        await self.writer.drain()

    async def say(self, kind: str, payload: Any, **beside: Any) -> None:
        """A well-formed message in one frame."""
        await self.send(frame(TEXT, json.dumps({"type": kind, **beside, "payload": payload}).encode()))

    async def response(self, within_seconds: float = WITHIN_SECONDS) -> Response:
        """The answer to a request."""
        async with asyncio.timeout(within_seconds):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.rstrip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Response(int(first.split()[1]), headers, body)

    async def frame(self, within_seconds: float = WITHIN_SECONDS) -> Frame:
        """The next frame of any kind.

        Raises:
            asyncio.IncompleteReadError: the connection ended instead.
        """
        async with asyncio.timeout(within_seconds):
            head, size = await self.reader.readexactly(2)
            assert size < 128, "a server never masks"
            if size >= 126:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
            return Frame(head & 0x0F, await self.reader.readexactly(size), head)

    async def message(self, within_seconds: float = WITHIN_SECONDS) -> dict[str, Any]:
        """The next text message. Answers pings of the server."""
        async with asyncio.timeout(within_seconds):
            while True:
                came = await self.frame(within_seconds)
                if came.opcode == PING:
                    await self.send(frame(PONG, came.payload))
                    continue
                assert came.head == FIN | TEXT, f"{came.head:#x} {came.payload[:200]!r}"
                document: dict[str, Any] = json.loads(came.payload)
                self.seen.append(document)
                return document

    async def next(self, kind: str, within_seconds: float = WITHIN_SECONDS) -> dict[str, Any]:
        """The next message of this type; others stay in `seen`."""
        async with asyncio.timeout(within_seconds):
            while True:
                document = await self.message(within_seconds)
                if document["type"] == kind:
                    return document

    async def answer(self, message_id: str | int) -> dict[str, Any]:
        """The `ack` or `error` to the message with this `id`."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while True:
                document = await self.message()
                if document["type"] == "ack" and document["payload"]["id"] == message_id:
                    return document
                if document["type"] == "error" and document.get("id") == message_id:
                    return document

    async def closed(self, within_seconds: float = WITHIN_SECONDS) -> int | None:
        """The close code of the server, `None` for a close frame without one. Earlier messages stay in `seen`.

        Waits for the end of the TCP connection too: after a close frame nothing may follow.
        """
        async with asyncio.timeout(within_seconds):
            while (came := await self.frame(within_seconds)).opcode != CLOSE:
                if came.opcode == TEXT:
                    self.seen.append(json.loads(came.payload))
            await self.send(frame(CLOSE, came.payload))
            await self.ended(within_seconds)
        return came.code

    async def ended(self, within_seconds: float = WITHIN_SECONDS) -> bytes:
        """The bytes until the server ends the TCP connection."""
        async with asyncio.timeout(within_seconds):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""


def handshake(
    address: str,
    *,
    method: str = "GET",
    version: str = "HTTP/1.1",
    without: Iterable[str] = (),
    **headers: str | list[str] | None,
) -> bytes:
    """The bytes of an opening handshake. Headers are added or replaced by name (`_` for `-`), dropped by None."""
    parts = urlsplit(address)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    given: dict[str, str | list[str] | None] = {
        "host": parts.netloc,
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-key": base64.b64encode(os.urandom(16)).decode(),
        "sec-websocket-version": "13",
    }
    given |= {name.lower().replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {target} {version}"]
    for name, value in given.items():
        values = [] if value is None or name in without else [value] if isinstance(value, str) else value
        lines += [f"{name}: {text}" for text in values]
    return "\r\n".join([*lines, "", ""]).encode("utf-8")


def accept_of(request: bytes) -> str:
    """The required answer to the key of a handshake."""
    line = next(line for line in request.decode().split("\r\n") if line.startswith("sec-websocket-key: "))
    return base64.b64encode(hashlib.sha1((line.split()[1] + GUID).encode()).digest()).decode()


@asynccontextmanager
async def connected(address: str, *, receive_buffer_bytes: int | None = None) -> AsyncIterator[RawSocket]:
    """A TCP connection to the server of an address, optionally with a small receive buffer. Sends nothing."""
    parts = urlsplit(address)
    plain = socket.socket()
    plain.setblocking(False)
    if receive_buffer_bytes is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    await asyncio.get_running_loop().sock_connect(plain, (parts.hostname, parts.port))
    limit = 2**16 if receive_buffer_bytes is None else receive_buffer_bytes
    reader, writer = await asyncio.open_connection(sock=plain, limit=limit)
    try:
        yield RawSocket(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def opened(address: str, **headers: str | list[str] | None) -> AsyncIterator[RawSocket]:
    """A socket after a successful handshake."""
    async with connected(address) as raw:
        request = handshake(address, **headers)
        await raw.send(request)
        response = await raw.response()
        assert response.status == 101, response
        assert response.headers["sec-websocket-accept"] == accept_of(request)
        assert "sec-websocket-extensions" not in response.headers
        yield raw
