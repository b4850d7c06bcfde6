"""What a connection has received and its one reader has not taken yet."""

import asyncio
from collections import deque

from uvicorn._types import ASGIReceiveEvent


class Inbox:
    """An `asyncio.Queue` for one reader, which does not ask with each message which loop it is in: that is a call of
    the system, and ten thousand robots have a message each second."""

    __slots__ = ("_events", "_loop", "_reader")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._events: deque[ASGIReceiveEvent] = deque()
        self._reader: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._events)

    def put_nowait(self, event: ASGIReceiveEvent) -> None:
        self._events.append(event)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def get(self) -> ASGIReceiveEvent:
        while not self._events:
            self._reader = self._loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        return self._events.popleft()
