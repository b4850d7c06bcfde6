"""Limits how much work of many connections one turn of the event loop does.

A turn runs everything that is ready. With thousands of ready connections it would take seconds, and every other
connection would wait for its end. Work that waits begins in later turns, by urgency and then in the order of arrival.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from enum import IntEnum

Work = Callable[[], None]


class Urgency(IntEnum):
    """The lower comes first. For requests; other work has one urgency."""

    HEALTH = 0
    """A check by a machine that restarts the server when the answer is late."""
    FIRST = 1
    """The first request of a connection."""
    LATER = 2


class LoopTurns:
    """Runs work at once or in a later turn, and no more than `per_turn` pieces in one turn. `key` is a connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop, per_turn: int) -> None:
        self._loop = loop
        self._per_turn = per_turn
        self._begun = 0
        self._waiting: tuple[OrderedDict[object, Work], ...] = tuple(OrderedDict() for _ in Urgency)
        self._scheduled = False

    def __len__(self) -> int:
        """The number of connections whose work waits."""
        return sum(map(len, self._waiting))

    def run(self, key: object, work: Work, urgency: Urgency) -> bool:
        """Run or queue; returns whether it was queued."""
        # Work that waits goes first, also if this turn could begin more.
        if self._begun < self._per_turn and not self:
            self._begin(work)
            return False
        self.queue(key, work, urgency)
        return True

    def queue(self, key: object, work: Work, urgency: Urgency = Urgency.FIRST) -> None:
        """Run in a later turn. One piece of work waits for each key and urgency; the newest replaces it."""
        self._waiting[urgency][key] = work
        self._schedule()

    def cancel(self, key: object) -> None:
        """Remove the waiting work of a connection. Idempotent."""
        for waiting in self._waiting:
            waiting.pop(key, None)

    def _begin(self, work: Work) -> None:
        self._begun += 1
        self._schedule()  # the next turn resets the count, also if nothing waits
        work()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._scheduled = False
        self._begun = 0
        for waiting in self._waiting:
            while waiting and self._begun < self._per_turn:
                _, work = waiting.popitem(last=False)
                self._begin(work)
