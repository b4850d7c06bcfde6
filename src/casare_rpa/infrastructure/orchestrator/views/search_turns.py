"""How many searches of one principal run at the same time, and how often it may abandon one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from casare_rpa.domain.credentials import Holder, Principal
from casare_rpa.domain.errors import RateLimited
from casare_rpa.domain.limits import RateLimit, TokenBuckets
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

SEARCHES_AT_ONCE = 2
MAX_WAITING_SEARCHES = 20
RETRY_SECONDS = 1.0
ABANDONED_LIMIT = RateLimit(per_second=2, burst=30)
"""Searches that a principal may abandon while they run. An abandoned search costs as much as one that is read, and a
client that sends them without a pause would keep the search threads busy."""
PRINCIPALS = 10_000


@dataclass(slots=True)
class _Turns:
    """The searches of one principal: `asked` of them run or wait."""

    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SEARCHES_AT_ONCE))
    asked: int = 0


class SearchTurns:
    """Two searches of a principal run at a time; `max_waiting` more wait in order, and further ones are refused.

    All principals share the search threads. A principal can delay the others by at most two searches. After many
    searches that it abandoned, its next ones begin later.
    """

    def __init__(
        self,
        clock: Clock,
        max_waiting: int | None = MAX_WAITING_SEARCHES,
        abandoned: RateLimit | None = ABANDONED_LIMIT,
    ) -> None:
        """With a `max_waiting` of `None`, none is refused; with an `abandoned` of `None`, none begins later."""
        self._clock = clock
        self._max_waiting = max_waiting
        self._abandoned = TokenBuckets(abandoned, PRINCIPALS)
        self._turns: dict[Holder, _Turns] = {}

    @asynccontextmanager
    async def turn(self, principal: Principal) -> AsyncIterator[None]:
        """Wait until a search of this principal may run. Cancel-safe.

        Raises:
            RateLimited: too many searches of this principal wait already.
        """
        key = principal.holder
        turns = self._turns.setdefault(key, _Turns())
        if self._max_waiting is not None and turns.asked >= SEARCHES_AT_ONCE + self._max_waiting:
            raise RateLimited("too many searches at the same time; wait for some of them to end", RETRY_SECONDS)
        turns.asked += 1
        try:
            async with turns.free:
                await self._rest(key)
                try:
                    yield
                except asyncio.CancelledError:
                    self._abandoned.take(key, self._clock.monotonic())
                    raise
        finally:
            turns.asked -= 1
            if not turns.asked:
                del self._turns[key]

    async def _rest(self, key: Holder) -> None:
        if seconds := self._abandoned.take(key, self._clock.monotonic(), 0.0):
            await self._clock.sleep(seconds)
