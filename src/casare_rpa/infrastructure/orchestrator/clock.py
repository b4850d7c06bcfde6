"""The real clock: the wall at start plus monotonic time, so that nothing inside ever goes back."""

import asyncio
import time
from collections.abc import Callable

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant


class SystemClock:
    """`now()` never goes back; it follows the wall clock forward when `jump_seconds` finds that it jumped.

    `wall` is Unix seconds and may jump, `steady` is seconds that never go back: the machine's own, or simulated ones.
    """

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._offset = wall() - steady()
        self._seen_offset = self._offset

    def now(self) -> Instant:
        return Instant(int((self._offset + self._steady()) * MICROSECONDS_PER_SECOND))

    def monotonic(self) -> float:
        return self._steady()

    def jump_seconds(self) -> float:
        offset = self._wall() - self._steady()
        jump = offset - self._seen_offset
        self._seen_offset = offset
        self._offset = max(self._offset, offset)
        return jump

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
