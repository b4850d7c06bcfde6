"""Background loops: a failed round is logged and counted, and the next round runs."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self

from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

logger = logging.getLogger(__name__)

PAUSE_AFTER_FAILURE_SECONDS = 0.5


@dataclass(slots=True)
class LoopStatistics:
    """Rounds and failures of one loop since start; `last_round_at` is monotonic seconds."""

    rounds: int = 0
    failures: int = 0
    last_round_at: float = 0.0


class Loops:
    """The background loops of an instance, in one TaskGroup. Leaving the context cancels them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []
        self.statistics: dict[str, LoopStatistics] = {}

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(None, None, None)

    def every(self, interval_seconds: float, name: str, act: Callable[[], Awaitable[None]]) -> None:
        """Run `act` about every `interval_seconds` (the first time after a random part of it)."""

        async def paced() -> None:
            await act()
            await self._clock.sleep(interval_seconds * random.uniform(0.95, 1.05))  # noqa: S311 - jitter

        self.forever(name, paced, first_delay_seconds=interval_seconds * random.random())  # noqa: S311 - jitter

    def forever(self, name: str, act: Callable[[], Awaitable[None]], first_delay_seconds: float = 0.0) -> None:
        """Run `act` repeatedly; it must wait for work by itself."""
        statistics = self.statistics.setdefault(name, LoopStatistics())

        async def rounds() -> None:
            await self._clock.sleep(first_delay_seconds)
            while True:
                statistics.last_round_at = self._clock.monotonic()
                try:
                    await act()
                except Exception:  # the edge of a loop: the next round may work
                    statistics.failures += 1
                    logger.exception("loop %s: a round failed", name)
                    await self._clock.sleep(PAUSE_AFTER_FAILURE_SECONDS)
                statistics.rounds += 1

        self._tasks.append(self._group.create_task(rounds(), name=name))
