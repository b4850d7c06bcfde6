"""The received events of one connection that its reader has not taken."""

import asyncio
import inspect
from collections import deque
from collections.abc import Awaitable
from typing import cast

from uvicorn._types import ASGIReceiveEvent

from casare_rpa.infrastructure.orchestrator.ports.sockets import UNFINISHED, TextHandler


class TextQueue:
    """A queue for one reader, with a handler that may take a text in the reader's place.

    `direct` is the handler while the reader waits and the queue is empty, otherwise `None`. If it is set, a caller may
    call it with the next text. The order is kept because no other text is waiting.
    """

    __slots__ = ("_events", "_loop", "_reader", "direct", "handler")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.handler: TextHandler | None = None
        self.direct: TextHandler | None = None
        self._loop = loop
        self._events: deque[ASGIReceiveEvent] = deque()
        self._reader: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._events)

    def empty(self) -> bool:
        return not self._events

    def put_nowait(self, event: ASGIReceiveEvent) -> None:
        self.direct = None
        self._events.append(event)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def put_text(self, text: str, *, at_once: bool) -> bool:
        """Call the direct handler with a text, if `at_once` allows it, or queue it; returns whether it was queued."""
        if self.direct is None or not at_once:
            self.put_nowait({"type": "websocket.receive", "text": text})
            return True
        unfinished = self.direct(text)
        if unfinished is not None:
            self.put_unfinished(unfinished)
        return False

    def put_unfinished(self, unfinished: Awaitable[None]) -> None:
        """Queue the awaitable that the direct handler returned; the reader awaits it before the next event."""
        self.put_nowait(cast("ASGIReceiveEvent", {"type": UNFINISHED, UNFINISHED: unfinished}))

    def remove_handler(self) -> None:
        """Remove the handler when the reader ends, and close queued awaitables, which would never be awaited."""
        self.handler = self.direct = None
        for event in self._events:
            if event["type"] == UNFINISHED:
                _close_awaitable(event[UNFINISHED])  # type: ignore[typeddict-item]
        self._events = deque(event for event in self._events if event["type"] != UNFINISHED)

    async def get(self) -> ASGIReceiveEvent:
        """The next event; cancel-safe: a cancelled call loses none."""
        while not self._events:
            self._reader = self._loop.create_future()
            self.direct = self.handler
            try:
                await self._reader
            finally:
                self._reader = self.direct = None
        return self._events.popleft()


def _close_awaitable(unfinished: object) -> None:
    """Close a coroutine and the coroutines that it holds as locals; Python would warn of each that is never awaited."""
    if inspect.iscoroutine(unfinished):
        for local in list(inspect.getcoroutinelocals(unfinished).values()):
            _close_awaitable(local)
        unfinished.close()
