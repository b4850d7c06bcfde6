"""Limits how much work of many connections one turn of the event loop does.

A turn runs everything that is ready. With thousands of ready connections it would take seconds, and every other
connection would wait for its end. Work that waits begins in later turns, by urgency and then in the order of arrival.

Each kind of work has a lane. A turn begins one piece of each lane, and more only within the time that all lanes share:
a message of 252 KiB takes several milliseconds to decode, and three of them can be complete at the same moment.

Turns alone do not help the threads that store: one that waits for the interpreter lock gets it after five milliseconds,
and a row of long pieces keeps it from them. So a lane can rest after a long piece, for as long as the piece took.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from enum import IntEnum
from functools import partial

Work = Callable[[], None]

TURN_SECONDS = 0.002
"""The time after which a turn begins no second piece of a lane. The piece that is under way ends."""
MAX_REST_SECONDS = 0.02
"""The longest rest: a turn can be long for other reasons."""


class Urgency(IntEnum):
    """The lower comes first. For requests; other work has one urgency."""

    HEALTH = 0
    """A check by a machine that restarts the server when the answer is late."""
    FIRST = 1
    """The first request of a connection."""
    LATER = 2


class LoopTurns:
    """The turns of one event loop, and the time that its lanes share in each of them."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        turn_seconds: float = TURN_SECONDS,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.loop = loop
        self.turn_seconds = turn_seconds
        self.now = now
        self._lanes: list[Lane] = []
        self._began_at: float | None = None
        """When the first piece of this turn began."""
        self._scheduled = False

    def lane(self, per_turn: int, *, rests: bool = False) -> "Lane":
        """A new lane, of which one turn begins no more than `per_turn` pieces; with `rests`, see `Lane.turn`."""
        lane = Lane(self, per_turn, rests=rests)
        self.add(lane)
        return lane

    def add(self, lane: "Lane") -> None:
        self._lanes.append(lane)

    def has_time(self) -> bool:
        return self._began_at is None or self.now() - self._began_at < self.turn_seconds

    def begin(self, work: Work) -> None:
        if self._began_at is None:
            self._began_at = self.now()
        self.schedule()  # the next turn resets time and counts, also if nothing waits
        work()

    def schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self.loop.call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._scheduled = False
        self._began_at = None
        for lane in self._lanes:
            lane.begun = 0
        began = True
        while began:
            began = False
            for lane in self._lanes:
                began = lane.begin_next() or began


class Lane:
    """Runs work of one kind at once or in a later turn. `key` is a connection or a future."""

    def __init__(self, turns: LoopTurns, per_turn: int, *, rests: bool = False) -> None:
        self.begun = 0
        """Pieces of this turn."""
        self._turns = turns
        self._per_turn = per_turn
        self._rests = rests
        self._holds = False
        """Whether a piece of a lane that rests is under way, or the rest after it."""
        self._waiting: tuple[OrderedDict[object, Work], ...] = tuple(OrderedDict() for _ in Urgency)

    def __len__(self) -> int:
        """The number of keys whose work waits."""
        return sum(map(len, self._waiting))

    def run(self, key: object, work: Work, urgency: Urgency) -> bool:
        """Run or queue; returns whether it was queued."""
        # Work that waits goes first, also if this turn could begin more.
        if self._may_begin() and not self:
            self._begin(work)
            return False
        self.queue(key, work, urgency)
        return True

    def queue(self, key: object, work: Work, urgency: Urgency = Urgency.FIRST) -> None:
        """Run in a later turn. One piece of work waits for each key and urgency; the newest replaces it."""
        self._waiting[urgency][key] = work
        self._turns.schedule()

    async def turn(self) -> None:
        """Wait for a later turn. The piece is what the caller then does until it waits for anything else.

        A lane that rests begins its next piece when as much time has passed after the piece as the piece took.
        """
        reached: asyncio.Future[None] = self._turns.loop.create_future()
        self.queue(reached, partial(self._reach, reached))
        try:
            await reached
        finally:
            self.cancel(reached)
            if self._holds and not reached.cancelled():
                self._turns.loop.call_soon(self._end_piece, self._turns.now())

    def cancel(self, key: object) -> None:
        """Remove the waiting work of a key. Idempotent."""
        for waiting in self._waiting:
            waiting.pop(key, None)

    def begin_next(self) -> bool:
        """Begin the next piece that waits, if this turn may; returns whether it did."""
        waiting = next(filter(None, self._waiting), None)
        if waiting is None or not self._may_begin():
            return False
        _, work = waiting.popitem(last=False)
        self._begin(work)
        return True

    def _reach(self, reached: "asyncio.Future[None]") -> None:
        # The waiting task can be cancelled in the same turn of the loop, before it has removed its piece.
        if not reached.cancelled():
            reached.set_result(None)
        elif self._holds:
            self._go_on()

    def _end_piece(self, began_at: float) -> None:
        """Rest as long as a piece took that began at `began_at`, or go on at once if it was short."""
        took = self._turns.now() - began_at
        if took < self._turns.turn_seconds:
            self._go_on()
        else:
            self._turns.loop.call_later(min(took, MAX_REST_SECONDS), self._go_on)

    def _go_on(self) -> None:
        self._holds = False
        self._turns.schedule()

    def _may_begin(self) -> bool:
        if self._holds:
            return False
        return self.begun == 0 or (self.begun < self._per_turn and self._turns.has_time())

    def _begin(self, work: Work) -> None:
        self.begun += 1
        self._holds = self._rests
        self._turns.begin(work)
