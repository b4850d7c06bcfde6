"""An orchestrator on a real socket that a test controls."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

Document = dict[str, Any]

WITHIN_SECONDS = 5.0
TIMESTAMP = "2025-12-22T14:30:00.000Z"


class FakeSession:
    """One connection of a robot. `seen` has all its messages, in order."""

    def __init__(self, socket: ServerConnection, number: int, answer: "Answer | None") -> None:
        assert socket.request is not None
        self._answer = answer
        self.socket = socket
        self.number = number
        url = urlsplit(socket.request.path)
        self.path = url.path
        self.query = parse_qs(url.query)
        self.key = socket.request.headers.get("X-API-Key")
        self.seen: list[Document] = []
        self.arrived_at: list[float] = []
        self.close_code: int | None = None
        self._news = asyncio.Condition()
        self._over = asyncio.Event()
        self._looked_at = 0

    # Messages of the orchestrator

    async def send(self, kind: str, payload: Document, **beside: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **beside, "payload": payload}))

    async def send_text(self, text: str | bytes) -> None:
        await self.socket.send(text)

    async def connected(self, **changes: Any) -> None:
        payload = {
            "robot_id": "robot-1",
            "session_id": f"session-{self.number}",
            "protocol_version": "1.1",
            "heartbeat_interval_seconds": 30,
            "heartbeat_timeout_seconds": 90,
            "rate_limit": {"messages_per_second": 100, "burst": 200},
            "max_message_bytes": 262144,
            "jobs": [],
            "timestamp": TIMESTAMP,
        }
        await self.send("connected", {**payload, **changes})

    async def assign(self, job_id: str = "job-1", attempt: int | None = 1, **changes: Any) -> None:
        payload: Document = {"job_id": job_id, "workflow_id": "w", "priority": 5, "parameters": {"a": 1}}
        payload |= {"timeout_seconds": 60} | ({} if attempt is None else {"attempt": attempt})
        await self.send("job_assign", payload | changes)

    async def cancel(self, job_id: str = "job-1", reason: str = "stop", **more: Any) -> None:
        await self.send("job_cancel", {"job_id": job_id, "reason": reason, **more})

    async def ack(self, message: Document) -> None:
        await self.send("ack", {"id": message["id"]})

    async def error(self, code: str, sentence: str, answers: Document | None = None, **more: Any) -> None:
        beside = {} if answers is None else {"id": answers["id"]}
        await self.send("error", {"code": code, "message": sentence, "timestamp": TIMESTAMP, **more}, **beside)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self.socket.close(code, reason)

    def cut(self) -> None:
        """End the connection without a close, like a broken cable."""
        self.socket.transport.abort()

    # Messages of the robot

    async def next(
        self,
        kind: str,
        where: Callable[[Document], bool] = lambda message: True,
        within_seconds: float = WITHIN_SECONDS,
    ) -> Document:
        """The next matching message with its envelope. Earlier messages stay in `seen`."""
        try:
            async with asyncio.timeout(within_seconds), self._news:
                while True:
                    while self._looked_at < len(self.seen):
                        message = self.seen[self._looked_at]
                        self._looked_at += 1
                        if message["type"] == kind and where(message):
                            return message
                    if self._over.is_set():
                        raise AssertionError(f"closed with {self.close_code} before a {kind}; seen: {self.seen[-10:]}")
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {kind} within {within_seconds} s; seen: {self.seen[-10:]}") from None

    async def report(self, status: str) -> Document:
        """The next `job_status` with this status."""
        return await self.next("job_status", lambda message: message["payload"]["status"] == status)

    async def ended(self) -> int | None:
        """The close code of the robot; `None` if the connection ended without one."""
        async with asyncio.timeout(WITHIN_SECONDS):
            await self._over.wait()
        return self.close_code

    def kinds(self) -> list[str]:
        return [message["type"] for message in self.seen]

    async def read(self) -> None:
        """Receive messages until the connection ends."""
        try:
            async for frame in self.socket:
                assert isinstance(frame, str), "the contract has only text frames"
                message = json.loads(frame)
                if self._answer is not None:
                    await self._answer(self, message)
                    continue
                async with self._news:
                    self.seen.append(message)
                    self.arrived_at.append(asyncio.get_running_loop().time())
                    self._news.notify_all()
        except ConnectionClosed as closed:
            self.close_code = closed.rcvd.code if closed.rcvd is not None else None
        else:
            self.close_code = self.socket.close_code
        async with self._news:
            self._over.set()
            self._news.notify_all()


Answer = Callable[[FakeSession, Document], Awaitable[None]]


class FakeOrchestrator:
    """Accepts every robot; the test answers. Without `greet`, a session sends nothing by itself, not even `connected`.

    With `answer`, new sessions pass every message to it instead of storing it.
    """

    def __init__(self) -> None:
        self.greet = True
        self.greeting: Document = {}
        self.answer: Answer | None = None
        self.port = 0
        self.sessions: list[FakeSession] = []
        self._arrivals: asyncio.Queue[FakeSession] = asyncio.Queue()
        self._server: Server | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def session(self) -> FakeSession:
        """The next robot that connects."""
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                return await self._arrivals.get()
        except TimeoutError:
            raise AssertionError("no robot came") from None

    async def start(self) -> None:
        """Listen; after `stop`, on the same port."""
        self._server = await serve(self._handle, "127.0.0.1", self.port, compression=None, ping_interval=None)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close every connection with 1001, and stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _handle(self, socket: ServerConnection) -> None:
        session = FakeSession(socket, len(self.sessions) + 1, self.answer)
        self.sessions.append(session)
        if self.greet:
            await session.connected(**self.greeting)
        self._arrivals.put_nowait(session)
        await session.read()


@asynccontextmanager
async def fake_orchestrator() -> AsyncIterator[FakeOrchestrator]:
    """A running fake, stopped at the end."""
    fake = FakeOrchestrator()
    await fake.start()
    try:
        yield fake
    finally:
        await fake.stop()
