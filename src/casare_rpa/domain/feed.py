"""The order of numbered items that arrive in any order, repeatedly or not at all.

Items come from hints, which may be lost. The feed passes on each item once, in order. It reports a gap, so that the
caller reads the missing items from where they are stored, and puts them in like all others.
"""

from typing import Generic, TypeVar

PATIENCE_SECONDS = 0.05
"""How long a gap may last before it must be read: hints of concurrent commits arrive in any order."""
MAX_WAITING = 10_000

T = TypeVar("T")


class Feed(Generic[T]):
    """The items after the number `last`. Times are monotonic seconds."""

    __slots__ = ("_behind_since", "_known", "_max_waiting", "_waiting", "last")

    def __init__(self, last: int, *, max_waiting: int = MAX_WAITING) -> None:
        """`max_waiting`: items kept behind a gap. Further ones are dropped; they are read with the gap."""
        self.last = last
        """The number of the last item that was passed on."""
        self._known = last
        self._waiting: dict[int, T] = {}
        self._behind_since = 0.0
        self._max_waiting = max_waiting

    @property
    def behind(self) -> bool:
        """Whether an item is known to exist that was not passed on."""
        return self._known > self.last

    def put(self, seq: int, item: T, now: float) -> list[T]:
        """Take an item. Returns the items whose turn it is, in order; an item that was passed on is ignored."""
        if seq <= self.last:
            return []
        if seq == self._known + 1 and not self.behind:  # nearly always
            self.last = self._known = seq
            return [item]
        self.expect(seq, now)
        if seq == self.last + 1 or len(self._waiting) < self._max_waiting:
            self._waiting.setdefault(seq, item)
        return self._ready(now)

    def expect(self, seq: int, now: float) -> None:
        """Note that items up to this number exist."""
        if seq > self._known:
            if not self.behind:
                self._behind_since = now
            self._known = seq

    def overdue(self, now: float) -> bool:
        """Whether a gap has lasted for longer than hints take."""
        return self.behind and now - self._behind_since >= PATIENCE_SECONDS

    def give_up(self, seq: int, now: float) -> list[T]:
        """Note that missing items up to this number exist nowhere. Returns those of them that arrived, and the next."""
        self.expect(seq, now)
        found = [self._waiting.pop(one) for one in sorted(self._waiting) if one <= seq]
        self.last = max(self.last, seq)
        return found + self._ready(now)

    def _ready(self, now: float) -> list[T]:
        ready = []
        while self.last + 1 in self._waiting:
            self.last += 1
            ready.append(self._waiting.pop(self.last))
        if ready:
            self._behind_since = now
        return ready
