"""Messages for whoever iterates over a client."""

import asyncio
import logging
from collections import deque
from typing import Self

from casare_rpa.domain import protocol

logger = logging.getLogger(__name__)

CAPACITY = 1_000


class MessageInbox:
    """An iterator over what arrives from its making on; ends when the client is closed for good.

    Bounded: who does not keep up loses the oldest messages, and the log says so.
    """

    def __init__(self) -> None:
        self._messages: deque[protocol.ToRobot] = deque()
        self._arrived = asyncio.Event()
        self._closed = False
        self._lost = 0

    def put(self, message: protocol.ToRobot) -> None:
        """Take a message; never waits."""
        if len(self._messages) >= CAPACITY:
            self._messages.popleft()
            self._lost += 1
        self._messages.append(message)
        self._arrived.set()

    def close(self) -> None:
        """No more messages; those that are here are still handed out."""
        self._closed = True
        self._arrived.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> protocol.ToRobot:
        while not self._messages:
            if self._closed:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        if self._lost:
            logger.warning("%d messages were not read in time and are lost", self._lost)
            self._lost = 0
        return self._messages.popleft()
