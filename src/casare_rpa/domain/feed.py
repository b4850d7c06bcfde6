"""A numbered stream: its positions, the order of its items, and its recent messages.

Items come from hints, which may be lost, repeated or late. `Feed` passes on each item once, in order. It reports a gap,
so that the caller reads the missing items from the store, and puts them in like all others. `History` is a cache of the
messages that a viewer that reconnects has missed; the store has the older ones. A viewer whose position is too old, of
another epoch or malformed gets a snapshot. Source: docs/reference/websocket-contract.md, A dashboard's connection.
"""

from collections import deque
from typing import Generic, Self, TypeVar

import msgspec

PATIENCE_SECONDS = 0.02
"""How long a gap may last before it must be read: hints of concurrent commits arrive in any order."""
MAX_WAITING = 10_000

MAX_SECONDS = 300.0
MAX_BYTES = 8 * 1024 * 1024

T = TypeVar("T")


class Feed(Generic[T]):
    """The items after the number `last`. Times are monotonic seconds."""

    __slots__ = ("_behind_since", "_max_waiting", "_waiting", "known", "last")

    def __init__(self, last: int, *, max_waiting: int = MAX_WAITING) -> None:
        """`max_waiting`: items kept behind a gap. Further ones are dropped; they are read with the gap."""
        self.last = last
        """The number of the last item that was passed on."""
        self.known = last
        """The greatest number that is known to exist, as far as hints are right."""
        self._waiting: dict[int, T] = {}
        self._behind_since = 0.0
        self._max_waiting = max_waiting

    @property
    def behind(self) -> bool:
        """Whether an item is known to exist that was not passed on."""
        return self.known > self.last

    @property
    def waiting(self) -> list[int]:
        """The numbers of the items that are kept behind a gap, in order."""
        return sorted(self._waiting)

    def put(self, seq: int, item: T, now: float) -> list[T]:
        """Take an item. Returns the items whose turn it is, in order; an item that was passed on is ignored."""
        if seq <= self.last:
            return []
        self.expect(seq, now)
        if seq == self.last + 1 or len(self._waiting) < self._max_waiting:
            self._waiting.setdefault(seq, item)
        return self._ready(now)

    def pass_on(self, first: int, count: int) -> bool:
        """Pass on `count` items from `first` on, if it is their turn and no other one is known: nearly always."""
        if first != self.last + 1 or self.known != self.last:
            return False
        self.last = self.known = self.last + count
        return True

    def expect(self, seq: int, now: float) -> None:
        """Note that items up to this number exist."""
        if seq > self.known:
            if not self.behind:
                self._behind_since = now
            self.known = seq

    def overdue(self, now: float) -> bool:
        """Whether a gap has lasted for longer than hints take."""
        return self.behind and now - self._behind_since >= PATIENCE_SECONDS

    def lag_seconds(self, now: float) -> float:
        """How long the next item has been missing; 0 when all known ones were passed on."""
        return now - self._behind_since if self.behind else 0.0

    def give_up(self, seq: int, now: float) -> list[T]:
        """Note that missing items up to this number exist nowhere. Returns those of them that arrived, and the next."""
        self.expect(seq, now)
        found = [self._waiting.pop(one) for one in sorted(self._waiting) if one <= seq]
        self.last = max(self.last, seq)
        return found + self._ready(now)

    def refute(self, known: int, newest: int) -> None:
        """Do not expect `known` any more: a later read found `newest` as the newest number. A hint was wrong."""
        if newest < known == self.known:
            self.known = max([self.last, *self._waiting])

    def _ready(self, now: float) -> list[T]:
        ready = []
        while self.last + 1 in self._waiting:
            self.last += 1
            ready.append(self._waiting.pop(self.last))
        if ready:
            self._behind_since = now
        return ready


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
            self.skip(seq - 1)
        self._last = seq
        self._entries.append(Entry(self._last, now, body))
        self._bytes += len(body)
        if self._bytes > self._max_bytes or self._entries[0].sent_at < now - self._max_seconds:
            self.trim(now)

    def skip(self, seq: int) -> None:
        """Continue after this number. If messages up to it were not added, the earlier ones are dropped."""
        if seq > self._last:
            self._entries.clear()
            self._bytes = 0
            self._last = seq

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
