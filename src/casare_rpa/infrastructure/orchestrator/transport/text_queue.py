"""What a connection has received and its one reader has not taken yet."""

import asyncio
import inspect
from collections import deque
from typing import cast

from uvicorn._types import ASGIReceiveEvent

from casare_rpa.infrastructure.orchestrator.hub.session import UNFINISHED, Take


class TextQueue:
    """An `asyncio.Queue` for one reader, which does not ask with each message which loop it is in: that is a call of
    the system, and ten thousand robots have a message each second. For the same reason a text that its reader only
    waits for goes to `take` at once, without waking anybody."""

    __slots__ = ("_events", "_loop", "_reader", "take")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._events: deque[ASGIReceiveEvent] = deque()
        self._reader: asyncio.Future[None] | None = None
        self.take: Take | None = None
        """What is to be awaited before the next text, it answers; `None` when there is nothing left to do."""

    def __len__(self) -> int:
        return len(self._events)

    def put_nowait(self, event: ASGIReceiveEvent) -> None:
        self._events.append(event)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def put_text(self, text: str) -> None:
        """A text message: taken at once, when the reader has taken everything before it."""
        reader = self._reader
        if self.take is None or self._events or reader is None or reader.done():
            self.put_nowait({"type": "websocket.receive", "text": text})
            return
        unfinished = self.take(text)
        if unfinished is not None:
            self.put_nowait(cast("ASGIReceiveEvent", {"type": UNFINISHED, UNFINISHED: unfinished}))

    def leave(self) -> None:
        """The reader ended: nothing is taken at once any more, and what it was to await is given up."""
        self.take = None
        for event in self._events:
            if event["type"] == UNFINISHED:
                _give_up(event[UNFINISHED])  # type: ignore[typeddict-item]
        self._events = deque(event for event in self._events if event["type"] != UNFINISHED)

    async def get(self) -> ASGIReceiveEvent:
        while not self._events:
            self._reader = self._loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        return self._events.popleft()


def _give_up(unfinished: object) -> None:
    """Close a coroutine that nobody will await, and those that it was to await: each would warn of it."""
    if inspect.iscoroutine(unfinished):
        for handed in list(inspect.getcoroutinelocals(unfinished).values()):
            _give_up(handed)
        unfinished.close()
