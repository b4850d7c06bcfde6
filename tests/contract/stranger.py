"""A WebSocket client that follows the contract and uses no code of the project."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

Document = dict[str, Any]
WITHIN_SECONDS = 10.0


def now() -> str:
    """The present time in the form of a 1.0 client."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Stranger:
    """One open socket. `seen` has all received messages, in order."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[Document] = []

    async def send(self, kind: str, payload: Document, **beside: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **beside, "payload": payload}))

    async def receive(self) -> Document:
        """The next message of any kind."""
        text = await self.socket.recv()
        assert isinstance(text, str), "the contract has only text frames"
        document = json.loads(text)
        self.seen.append(document)
        return document

    async def next(
        self,
        kind: str,
        where: Callable[[Document], bool] = lambda fields: True,
        within_seconds: float = WITHIN_SECONDS,
    ) -> Document:
        """The fields of the next matching message. Earlier messages stay in `seen`."""
        try:
            async with asyncio.timeout(within_seconds):
                while True:
                    document = await self.receive()
                    fields = document.get("payload", document)
                    if document["type"] == kind and where(fields):
                        return fields
        except TimeoutError:
            raise AssertionError(f"no {kind} within {within_seconds} s; seen: {self.seen[-10:]}") from None

    async def witness(self, kind: str, where: Callable[[Document], bool], since: int) -> Document:
        """Like `next`, but also accepts an earlier message after the first `since` of `seen`."""
        for document in self.seen[since:]:
            fields = document.get("payload", document)
            if document["type"] == kind and where(fields):
                return fields
        return await self.next(kind, where)

    async def answer(self, message_id: str | int) -> Document:
        """The `ack` or `error` that answers the message with this `id`."""
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                while True:
                    document = await self.receive()
                    acknowledged = document["type"] == "ack" and document["payload"]["id"] == message_id
                    if acknowledged or (document["type"] == "error" and document.get("id") == message_id):
                        return document
        except TimeoutError:
            raise AssertionError(f"no answer to {message_id}; seen: {self.seen[-10:]}") from None

    async def closed(self, within_seconds: float = WITHIN_SECONDS) -> int:
        """The close code of the server. Earlier messages stay in `seen`."""
        try:
            async with asyncio.timeout(within_seconds):
                while True:
                    await self.receive()
        except ConnectionClosed as end:
            if end.rcvd is None:
                raise AssertionError("the connection was lost without a close frame") from end
            return end.rcvd.code
        except TimeoutError:
            raise AssertionError(f"not closed within {within_seconds} s; seen: {self.seen[-10:]}") from None

    def kinds(self) -> list[str]:
        return [document["type"] for document in self.seen]

    # The messages of a 1.0 robot

    async def heartbeat(self, robot_id: str, status: str = "idle", cpu_percent: float = 20.0) -> None:
        payload = {"robot_id": robot_id, "status": status, "cpu_percent": cpu_percent, "memory_mb": 700}
        await self.send("heartbeat", {**payload, "timestamp": now()})

    async def report(self, job_id: str, status: str, **more: Any) -> None:
        await self.send("job_status", {"job_id": job_id, "status": status, **more, "timestamp": now()})

    async def log(self, robot_id: str, level: str, message: str, **more: Any) -> None:
        await self.send("log", {"robot_id": robot_id, "level": level, "message": message, "timestamp": now(), **more})


@asynccontextmanager
async def stranger(address: str, **options: Any) -> AsyncIterator[Stranger]:
    """An open socket, closed with a handshake at the end."""
    async with connect(address, proxy=None, compression=None, max_size=2**22, **options) as socket:
        yield Stranger(socket)


class Stopwatch:
    """Seconds since its creation."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._since
