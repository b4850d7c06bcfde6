"""The real clock: the wall at start plus monotonic time, so that nothing inside ever goes back."""

import asyncio
import time

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant


class SystemClock:
    """`now()` never goes back; it follows the wall clock forward when `jump_seconds` finds that it jumped."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()
        self._seen_offset = self._offset

    def now(self) -> Instant:
        return Instant(int((self._offset + time.monotonic()) * MICROSECONDS_PER_SECOND))

    def monotonic(self) -> float:
        return time.monotonic()

    def jump_seconds(self) -> float:
        offset = time.time() - time.monotonic()
        jump = offset - self._seen_offset
        self._seen_offset = offset
        self._offset = max(self._offset, offset)
        return jump

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
