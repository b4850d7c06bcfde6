"""The recent messages of a stream, numbered without gaps: a cache of what a viewer that reconnects has missed.

The store has the older changes. A viewer whose position is too old, of another epoch or malformed gets a snapshot.
Source: docs/reference/websocket-contract.md, A dashboard's connection.
"""

from collections import deque
from typing import Self

import msgspec

MAX_SECONDS = 300.0
MAX_BYTES = 8 * 1024 * 1024


class Position(msgspec.Struct, frozen=True, gc=False):
    """A position in a sequence. `epoch` identifies the sequence; `seq` counts from 1, and 0 is before the first."""

    epoch: str
    seq: int

    def __str__(self) -> str:
        return f"{self.epoch}:{self.seq}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The position in a text such as `5f3a:17`; `None` if the text is malformed."""
        epoch, separator, number = text.rpartition(":")
        if not separator or not epoch or not (number.isascii() and number.isdigit() and len(number) < 19):
            return None
        return cls(epoch, int(number))


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A message as it was sent. `sent_at` is monotonic seconds."""

    seq: int
    sent_at: float
    body: bytes


class History:
    """The newest entries of one sequence: at most `max_seconds` old and `max_bytes` in all."""

    def __init__(
        self, epoch: str, last: int = 0, *, max_seconds: float = MAX_SECONDS, max_bytes: int = MAX_BYTES
    ) -> None:
        """An empty history after the number `last`."""
        self.epoch = epoch
        self._max_seconds = max_seconds
        self._max_bytes = max_bytes
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._last = last

    @property
    def position(self) -> Position:
        """The position after the newest entry."""
        return Position(self.epoch, self._last)

    def append(self, seq: int, body: bytes, now: float) -> None:
        """Add the message with the next number. `now` is monotonic seconds.

        A greater number than the next one means that the changes between are lost: the earlier ones are dropped.
        """
        if seq != self._last + 1:
            self._entries.clear()
            self._bytes = 0
        self._last = seq
        self._entries.append(Entry(self._last, now, body))
        self._bytes += len(body)
        if self._bytes > self._max_bytes or self._entries[0].sent_at < now - self._max_seconds:
            self.trim(now)

    def trim(self, now: float) -> None:
        """Delete the oldest entries until the rest is within the limits of age and size."""
        oldest = now - self._max_seconds
        while self._entries and (self._entries[0].sent_at < oldest or self._bytes > self._max_bytes):
            self._bytes -= len(self._entries.popleft().body)

    def since(self, position: Position) -> list[Entry] | None:
        """The entries after `position`, in order; `None` if some are missing, so that a snapshot is needed."""
        if position.epoch != self.epoch or position.seq > self._last:
            return None
        missed = self._last - position.seq
        if missed > len(self._entries):
            return None
        return [self._entries[index] for index in range(len(self._entries) - missed, len(self._entries))]
