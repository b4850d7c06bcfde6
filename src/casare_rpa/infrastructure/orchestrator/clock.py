"""The real clock: the wall at start plus monotonic time, so that nothing goes back, not over a restart either."""

import asyncio
import logging
import time
from collections.abc import Callable

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant, rfc3339

logger = logging.getLogger(__name__)

MAX_AHEAD_SECONDS = 24 * 3600.0
"""How far ahead of the wall clock the store is believed."""
LEFT_ALONE_SECONDS = 1.0
SLOW_RATE = 0.9


class SystemClock:
    """`now()` never goes back; it follows the wall clock forward when `jump_seconds` finds that it jumped.

    `wall` is Unix seconds and may jump, `steady` is seconds that never go back: the machine's own, or simulated ones.
    `newest` is the newest instant that an earlier process wrote. `now()` begins there when the wall clock is behind it:
    a clock that was set back over a restart would else move every stored deadline that much further ahead.

    Nothing is ahead for ever: while `now()` is more than a second ahead of the wall clock, it goes nine seconds for
    every ten until that has caught up (an hour takes ten); deadlines come late meanwhile by a tenth, never early. And
    a `newest` more than a day ahead is not believed, as it stems from a clock that was far in the future: then `now()`
    begins at the wall clock, and a warning says so.
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
        """What `now()` was at `_since`, in Unix seconds; it went on from there at `_rate`."""
        self._rate = _rate(self._anchor - here)

    def now(self) -> Instant:
        # `_at` inline: this is called for each message
        seconds = self._anchor + (self._steady() - self._since) * self._rate
        return Instant(int(seconds * MICROSECONDS_PER_SECOND))

    def jump_seconds(self) -> float:
        wall, steady = self._wall(), self._steady()
        jump = wall - steady - self._seen_offset
        self._seen_offset = wall - steady
        self._anchor, self._since = max(wall, self._at(steady)), steady
        self._rate = _rate(self._anchor - wall)
        return jump

    sleep = staticmethod(asyncio.sleep)

    def _at(self, steady: float) -> float:
        return self._anchor + (steady - self._since) * self._rate


def _rate(ahead_seconds: float) -> float:
    return SLOW_RATE if ahead_seconds > LEFT_ALONE_SECONDS else 1.0


def _begin(wall: float, newest: Instant | None) -> float:
    """Where `now()` begins, in Unix seconds."""
    stored = wall if newest is None else newest / MICROSECONDS_PER_SECOND
    ahead = stored - wall
    if newest is None or ahead <= LEFT_ALONE_SECONDS:
        return max(wall, stored)
    shown = rfc3339(newest), rfc3339(Instant(int(wall * MICROSECONDS_PER_SECOND)))
    if ahead <= MAX_AHEAD_SECONDS:
        logger.warning(
            "the newest instant in the store is %s, the wall clock shows %s, %.0f s less: it was set back. Time goes "
            "on from the store's, slower by a tenth until the wall clock has caught up",
            *shown,
            ahead,
        )
        return stored
    logger.warning(
        "the newest instant in the store is %s, the wall clock shows %s, %.1f days less: one of them is wrong. Time "
        "goes by the wall clock. If it is the wrong one, stop, set it, start again; if it is right, leases and "
        "deadlines that were stored by the wrong clock come that much later: cancel the jobs that wait for them",
        *shown,
        ahead / 86_400,
    )
    return wall
