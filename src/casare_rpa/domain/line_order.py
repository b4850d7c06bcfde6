"""The order of the numbered log lines of one connection, when the store refuses some of them.

The store takes lines of a robot's journal in ascending order, because a lower number is a repetition. A robot sends
further messages before the first is answered. If the first is not stored and the next one is, the repetition of the
first one would be taken for stored lines, and they would be lost.
"""

GIVEN_UP_SECONDS = 60.0
"""Refused lines that were not sent again for this long are given up, so that a client without repetitions continues."""


class LineOrder:
    """Decides which messages may be stored after one was refused. Times are monotonic seconds."""

    __slots__ = ("_refused_at", "refused")

    def __init__(self) -> None:
        self.refused: int | None = None
        """The lowest number that was refused and has not come again; `None` nearly always."""
        self._refused_at = 0.0

    def refuse(self, seq: int, now: float) -> None:
        """Note that the lines from this number on were not stored. Lines without a number (0) have no order."""
        if seq:
            self.refused = seq if self.refused is None else min(seq, self.refused)
            self._refused_at = now

    def may_store(self, seq: int, now: float) -> bool:
        """Whether a message whose first line has this number is not behind refused lines that come again."""
        if not seq or self.refused is None:
            return True
        if seq <= self.refused or now - self._refused_at >= GIVEN_UP_SECONDS:
            self.refused = None
            return True
        return False
