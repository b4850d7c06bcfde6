"""The clocks of an instance: wall time at start plus monotonic time. They never go back, even across a restart.

`StoreClock` is the one that the control plane uses. Its wall time is that of the store, if the store has a clock.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol, Self

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant, rfc3339

logger = logging.getLogger(__name__)

MAX_AHEAD_SECONDS = 24 * 3600.0
"""The largest difference to the wall clock with which the newest instant of the store is trusted."""
LEFT_ALONE_SECONDS = 1.0
SLOW_RATE = 0.9
MAX_ROUND_TRIP_SECONDS = 1.0
"""An answer of the store that took longer is not used: its time may be wrong by half of that."""
MOST_QUESTIONS = 5
"""How often a new process asks for a quick answer. Then it begins with the quickest one, and follows later ones."""
FOLLOW_SECONDS = 5.0
"""How often an instance reads the clock of the store."""


class SystemClock:
    """A clock whose `now()` never goes back. `jump_seconds` finds a jump of the wall clock, and follows it forward.

    `wall` returns Unix seconds and may jump; `steady` returns monotonic seconds. Simulations pass their own.
    `newest` is the newest instant that an earlier process stored. If the wall clock is behind it, `now()` begins at
    `newest`. Otherwise, a clock set back before the restart would delay every stored deadline by the difference.

    While `now()` is more than a second ahead of the wall clock, it runs at nine tenths of the speed. Catching up one
    hour takes ten hours. In this time deadlines are up to a tenth late, never early.

    A `newest` more than a day ahead is not trusted, because it comes from a clock that was far in the future. `now()`
    then begins at the wall clock, and a warning is logged.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        newest: Instant | None = None,
    ) -> None:
        self._wall = wall
        self._steady = self.monotonic = steady
        self._since = steady()
        here = wall()
        self._seen_offset = here - self._since
        self._anchor = _begin(here, newest)
        """The value of `now()` at `_since`, in Unix seconds. From there it advances at `_rate`."""
        self._set_rate(here)

    def now(self) -> Instant:
        # As `_at`, without the call: a heartbeat asks for the time three times.
        passed = self._steady() - self._since
        seconds = self._anchor + (passed - min(self._slower_seconds, passed) * (1.0 - self._rate))
        return Instant(int(seconds * MICROSECONDS_PER_SECOND))

    def jump_seconds(self) -> float:
        wall, steady = self._wall(), self._steady()
        jump = wall - steady - self._seen_offset
        self._seen_offset = wall - steady
        self._anchor, self._since = max(wall, self._at(steady)), steady
        self._set_rate(wall)
        return jump

    sleep = staticmethod(asyncio.sleep)

    def _set_rate(self, wall: float) -> None:
        """The speed from `_since` on, and for how long. `wall` is the wall clock at `_since`."""
        ahead = self._anchor - wall
        self._rate = self._rate_of(ahead)
        # `jump_seconds` is not called while the store is away. At this speed `now()`
        # would then fall behind the clock that it should wait for.
        self._slower_seconds = ahead / (1.0 - self._rate) if self._rate < 1.0 else 0.0

    def _at(self, steady: float) -> float:
        passed = steady - self._since
        # In this order: a rounding error of the sum, which is large, must not let the time go back.
        return self._anchor + (passed - min(self._slower_seconds, passed) * (1.0 - self._rate))

    def _rate_of(self, ahead_seconds: float) -> float:
        """The speed of `now()` while it is this much ahead of the wall clock."""
        return SLOW_RATE if ahead_seconds > LEFT_ALONE_SECONDS else 1.0


class TimedStore(Protocol):
    """The part of `ports.maintenance.MaintenanceStore` that a clock uses."""

    async def now(self) -> Instant | None: ...

    async def newest_instant(self) -> Instant | None: ...


class StoreClock(SystemClock):
    """A clock that follows the clock of the store, so that all instances on it show the same time.

    The wall clock of the machine is not used: when it jumps, `now()` and `jump_seconds` do not change. `jump_seconds`
    reports jumps of the store's clock. `now()` differs from the store's clock by at most half of a round trip; after an
    answer with another delay it runs slower, or moves forward, until this holds again.

    If the store has no clock of its own, this is the `SystemClock` of the machine.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        newest: Instant | None = None,
        store_offset: float | None = None,
    ) -> None:
        """`store_offset`: the store's Unix seconds minus `steady()`; `None` if the store has no clock."""
        self._machine_wall = wall
        self._store_offset = store_offset
        super().__init__(self._store_wall, steady, newest)

    @classmethod
    async def of(
        cls,
        store: TimedStore,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> Self:
        """The clock of a new process on this store. Asks again while answers are slow. Raises StoreUnavailable."""
        offset, quickest = None, float("inf")
        for _ in range(MOST_QUESTIONS):
            asked_at = steady()
            now = await store.now()
            round_trip = steady() - asked_at
            if now is not None and round_trip < quickest:
                offset, quickest = _offset(now, round_trip, steady()), round_trip
            if now is None or round_trip <= MAX_ROUND_TRIP_SECONDS:
                break
        return cls(wall, steady, await store.newest_instant(), offset)

    def follow(self, now: Instant, round_trip_seconds: float) -> None:
        # `now()` follows in `jump_seconds`, so that the rescuer knows of a jump before any lease ends by it.
        if round_trip_seconds <= MAX_ROUND_TRIP_SECONDS:
            self._store_offset = _offset(now, round_trip_seconds, self._steady())

    def _store_wall(self) -> float:
        return self._machine_wall() if self._store_offset is None else self._store_offset + self._steady()

    def _rate_of(self, ahead_seconds: float) -> float:
        if self._store_offset is None:
            return super()._rate_of(ahead_seconds)
        return max(SLOW_RATE, 1 - max(0.0, ahead_seconds) / FOLLOW_SECONDS)


def _offset(now: Instant, round_trip_seconds: float, steady: float) -> float:
    """The store's clock minus the monotonic one. The store read its clock in the middle of the round trip, about."""
    return now / MICROSECONDS_PER_SECOND + round_trip_seconds / 2 - steady


def _begin(wall: float, newest: Instant | None) -> float:
    """The first value of `now()`, in Unix seconds."""
    stored = wall if newest is None else newest / MICROSECONDS_PER_SECOND
    ahead = stored - wall
    if newest is None or ahead <= LEFT_ALONE_SECONDS:
        return max(wall, stored)
    shown = rfc3339(newest), rfc3339(Instant(int(wall * MICROSECONDS_PER_SECOND)))
    if ahead <= MAX_AHEAD_SECONDS:
        logger.warning(
            "the newest instant in the store is %s; the wall clock is at %s, %.0f s earlier: it was set back. The "
            "server continues at the time of the store, a tenth slower until the wall clock has caught up",
            *shown,
            ahead,
        )
        return stored
    logger.warning(
        "the newest instant in the store is %s; the wall clock is at %s, %.1f days earlier: one of them is wrong. The "
        "server uses the wall clock. If the wall clock is wrong, stop the server, set the clock, and start again. If "
        "it is right, stored leases and deadlines are late by this time: cancel the jobs that wait for them",
        *shown,
        ahead / 86_400,
    )
    return wall
