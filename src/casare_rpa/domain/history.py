"""What was just told, numbered without gaps, so that a viewer that was away can be told the rest.

Resume is an optimisation, the snapshot is the truth: a position that is too old, of another epoch, or not one at all
simply means a snapshot. Source: docs/reference/websocket-contract.md, A dashboard's connection.
"""

from collections import deque
from typing import Self

import msgspec

MAX_SECONDS = 300.0
MAX_BYTES = 8 * 1024 * 1024


class Position(msgspec.Struct, frozen=True, gc=False):
    """A place in one sequence. `epoch` names the sequence; `seq` numbers its entries from 1, 0 is before the first."""

    epoch: str
    seq: int

    def __str__(self) -> str:
        return f"{self.epoch}:{self.seq}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The position that a text such as `5f3a:17` names; `None` when it names none."""
        epoch, separator, number = text.rpartition(":")
        if not separator or not epoch or not (number.isascii() and number.isdigit() and len(number) < 19):
            return None
        return cls(epoch, int(number))


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One message as it was told, at `told_at` (monotonic seconds)."""

    seq: int
    told_at: float
    body: bytes


class History:
    """The last entries of one sequence: up to five minutes and 8 MiB of them."""

    def __init__(self, epoch: str, *, max_seconds: float = MAX_SECONDS, max_bytes: int = MAX_BYTES) -> None:
        self.epoch = epoch
        self._max_seconds = max_seconds
        self._max_bytes = max_bytes
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._last = 0

    @property
    def position(self) -> Position:
        """Behind the newest entry."""
        return Position(self.epoch, self._last)

    @property
    def size_bytes(self) -> int:
        return self._bytes

    def append(self, body: bytes, now: float) -> int:
        """Number a message and keep it for a while; answers its number. `now` is monotonic seconds."""
        self._last += 1
        self._entries.append(Entry(self._last, now, body))
        self._bytes += len(body)
        if self._bytes > self._max_bytes or self._entries[0].told_at < now - self._max_seconds:
            self.forget(now)
        return self._last

    def forget(self, now: float) -> None:
        """Let go of what is too old or too much."""
        oldest = now - self._max_seconds
        while self._entries and (self._entries[0].told_at < oldest or self._bytes > self._max_bytes):
            self._bytes -= len(self._entries.popleft().body)

    def since(self, position: Position) -> list[Entry] | None:
        """Everything after `position`, in order; `None`: it cannot be told without a gap, take a snapshot."""
        if position.epoch != self.epoch or position.seq > self._last:
            return None
        missed = self._last - position.seq
        if missed > len(self._entries):
            return None
        return [self._entries[index] for index in range(len(self._entries) - missed, len(self._entries))]
