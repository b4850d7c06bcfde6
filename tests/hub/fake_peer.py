"""A peer from the view of the ASGI server: its events, its messages, and a transport with a settable buffer."""

import asyncio
import json
from collections.abc import Awaitable, MutableMapping
from typing import Any

from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.limits import RateLimit
from casare_rpa.infrastructure.orchestrator.hub.session import Limits, Session
from casare_rpa.infrastructure.orchestrator.ports.sockets import FAST_LANE_BYTES, UNFINISHED, TextHandler
from fake_clock import FakeClock


class FakeTransport:
    """Records writes; `buffered` is the number of bytes that the peer has not read."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.buffered = 0
        self.aborted = False
        self.write_error: Exception | None = None
        self.text_handler: TextHandler | None = None

    def write(self, data: bytes) -> None:
        if self.write_error is not None:
            raise self.write_error
        self.written.append(data)

    @property
    def ready(self) -> bool:
        return self.buffered < FAST_LANE_BYTES and not self.aborted

    def abort(self) -> None:
        self.aborted = True

    def set_text_handler(self, handler: TextHandler | None) -> None:
        self.text_handler = handler


class FakePeer:
    """Both ends of one connection."""

    def __init__(
        self,
        clock: FakeClock,
        rate: RateLimit | None = None,
        *,
        robot_id: str | None = None,
        plain: bool = False,
        max_message_bytes: int = 1024,
    ) -> None:
        self.clock = clock
        self.transport = FakeTransport()
        self.sent: list[MutableMapping[str, Any]] = []
        self.arrived = asyncio.Event()
        self.writable = asyncio.Event()
        self.writable.set()
        self._inbox: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self.session = Session(
            session_id="ses-1",
            principal=Principal(Role.ROBOT, robot_id or "peer", "default", robot_id, f"key {robot_id}"),
            address="127.0.0.1",
            limits=Limits(rate, max_message_bytes, bad_frames_close=True),
            clock=clock,
            receive=self._inbox.get,
            send=self._send,
            transport=None if plain else self.transport,
            close_timeout_seconds=0.05,
        )

    async def _send(self, event: MutableMapping[str, Any]) -> None:
        await self.writable.wait()
        self.sent.append(event)
        self.arrived.set()

    def says(self, text: str | None = None, data: bytes | None = None) -> None:
        self._inbox.put_nowait({"type": "websocket.receive", "text": text, "bytes": data})

    def hands_over(self, unfinished: Awaitable[None]) -> None:
        """Queue a received text for the reader, like the inbox."""
        self._inbox.put_nowait({"type": UNFINISHED, UNFINISHED: unfinished})

    def leaves(self) -> None:
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1005})

    @property
    def texts(self) -> list[str]:
        return [event["text"] for event in self.sent if event["type"] == "websocket.send"]

    @property
    def close_codes(self) -> list[int]:
        return [event["code"] for event in self.sent if event["type"] == "websocket.close"]

    async def settle(self) -> None:
        """Let all tasks run that can run without waiting for time."""
        for _ in range(20):
            await asyncio.sleep(0)


async def documents(peer: FakePeer) -> list[dict[str, Any]]:
    """The messages that the peer received on both lanes, decoded, in order."""
    await peer.settle()
    texts = [event["text"] for event in peer.sent if event["type"] == "websocket.send"]
    for written in peer.transport.written:
        rest = written
        while rest:
            size, start = rest[1], 2
            if size == 126:
                size, start = int.from_bytes(rest[2:4], "big"), 4
            texts.append(rest[start : start + size].decode())
            rest = rest[start + size :]
    return [json.loads(text) for text in texts]


async def seen(peer: FakePeer, kind: str) -> list[dict[str, Any]]:
    """The payloads of the received messages of a type."""
    return [document.get("payload", document) for document in await documents(peer) if document["type"] == kind]
