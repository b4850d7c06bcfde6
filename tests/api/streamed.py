"""Responses that are read while the application sends them, and server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp, Message

WITHIN_SECONDS = 10


@dataclass(frozen=True)
class ServerEvent:
    """One event; a comment has the name `:`."""

    name: str
    position: str | None
    data: Any


def parse_event(block: str) -> ServerEvent | None:
    """The event of a block of lines; `None` if it only sets the time for a reconnect."""
    if block.startswith(":"):
        return ServerEvent(":", None, block[1:].strip())
    fields = dict(line.split(": ", 1) for line in block.split("\n"))
    if set(fields) == {"retry"}:
        return None
    return ServerEvent(fields["event"], fields.get("id"), json.loads(fields["data"]))


class Streamed:
    """The response to one request. While `reading` is not set, the peer takes nothing."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.reading = asyncio.Event()
        self.reading.set()
        self._started = asyncio.Event()
        self._left = asyncio.Event()
        self._asked = False
        self._bodies: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._text = ""

    async def receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            self._started.set()
            return
        await self.reading.wait()
        self._bodies.put_nowait(message.get("body", b""))
        if not message.get("more_body"):
            self._bodies.put_nowait(None)

    async def started(self) -> None:
        async with asyncio.timeout(WITHIN_SECONDS):
            await self._started.wait()

    def leave(self) -> None:
        """Close the connection as a client does."""
        self._left.set()

    async def event(self) -> ServerEvent | None:
        """The next event; `None` at the end of the response."""
        while True:
            block, found, rest = self._text.partition("\n\n")
            if found:
                self._text = rest
                if event := parse_event(block):
                    return event
                continue
            async with asyncio.timeout(WITHIN_SECONDS):
                body = await self._bodies.get()
            if body is None:
                return None
            self._text += body.decode()

    async def events(self, number: int) -> list[ServerEvent]:
        """The next events, comments left out."""
        found: list[ServerEvent] = []
        while len(found) < number:
            event = await self.event()
            assert event is not None, f"the stream ended after {found}"
            if event.name != ":":
                found.append(event)
        return found

    async def rest(self) -> list[ServerEvent]:
        """All events up to the end."""
        found = []
        while event := await self.event():
            found.append(event)
        return found


@asynccontextmanager
async def streamed(
    app: ASGIApp, response: ASGIApp | None = None, *, reads: bool = True, **request: Any
) -> AsyncIterator[Streamed]:
    """A GET of the feed with these `headers` and parameters; the client has left at the end.

    `response` is called instead of the application if it is given. Without `reads`, the client takes nothing at first.
    """
    headers: dict[str, str] = {"accept": "text/event-stream", "host": "127.0.0.1", **request.pop("headers", {})}
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/events",
        "raw_path": b"/api/v1/events",
        "query_string": urlencode(request).encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "http_version": "1.1",
        "scheme": "http",
        "client": ("127.0.0.1", 40_000),
        "server": None,
        "root_path": "",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "app": app,
    }
    peer = Streamed()
    if not reads:
        peer.reading.clear()
    task = asyncio.create_task((response or app)(scope, peer.receive, peer.send))  # type: ignore[arg-type]  # a coroutine
    try:
        await peer.started()
        yield peer
    finally:
        peer.leave()
        peer.reading.set()
        async with asyncio.timeout(WITHIN_SECONDS):
            await task


def numbers_of(events: Iterable[ServerEvent]) -> list[int]:
    """The numbers of the changes."""
    return [event.data["number"] for event in events if event.name == "job"]
