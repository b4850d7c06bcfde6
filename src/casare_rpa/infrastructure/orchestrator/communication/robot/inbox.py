"""Bounded queue of received messages for `async for message in client`."""

import asyncio
import logging
from collections import deque
from typing import Self

from casare_rpa.domain import protocol

logger = logging.getLogger(__name__)

CAPACITY = 1_000


class MessageInbox:
    """Iterates over messages received after its creation; ends when the client is closed.

    Bounded: a slow reader loses the oldest messages, and a warning counts them.
    """

    def __init__(self, *, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._messages: deque[protocol.ToRobot] = deque()
        self._arrived = asyncio.Event()
        self._closed = False
        self._lost = 0

    def put_message(self, message: protocol.ToRobot) -> None:
        """Add a message. Never waits."""
        if len(self._messages) >= self._capacity:
            self._messages.popleft()
            self._lost += 1
        self._messages.append(message)
        self._arrived.set()

    def close(self) -> None:
        """End the iteration after the messages that are already queued."""
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
            logger.warning("%d messages were dropped because they were not read in time", self._lost)
            self._lost = 0
        return self._messages.popleft()
