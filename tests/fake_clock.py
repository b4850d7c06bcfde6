"""A clock that tests control."""

import asyncio

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant


class FakeClock:
    """Moves only when a test advances it; sleepers wake up in the order of their times."""

    def __init__(self, start: int = 1_766_413_800 * MICROSECONDS_PER_SECOND) -> None:
        self._start = start
        self._seconds = 0.0
        self.jump = 0.0
        self.followed: list[tuple[Instant, float]] = []
        """What the store's clock showed, and the seconds that each answer took."""
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> Instant:
        return Instant(self._start + round(self._seconds * MICROSECONDS_PER_SECOND))

    def monotonic(self) -> float:
        return self._seconds

    def jump_seconds(self) -> float:
        jump, self.jump = self.jump, 0.0
        return jump

    def follow(self, now: Instant, round_trip_seconds: float) -> None:
        self.followed.append((now, round_trip_seconds))

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._seconds + seconds, future))
        await future

    @property
    def sleeping(self) -> list[float]:
        """The remaining seconds of all sleepers, in order."""
        return sorted(until - self._seconds for until, future in self._sleepers if not future.done())

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._seconds += seconds
        due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._seconds]
        self._sleepers = [sleeper for sleeper in self._sleepers if sleeper[0] > self._seconds]
        for _, future in sorted(due, key=lambda sleeper: sleeper[0]):
            if not future.done():
                future.set_result(None)
