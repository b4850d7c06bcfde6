"""How many searches of one principal run at the same time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.errors import RateLimited

SEARCHES_AT_ONCE = 2
MAX_WAITING_SEARCHES = 20
RETRY_SECONDS = 1.0

Key = tuple[Role, str | None, str | None, str]


@dataclass(slots=True)
class _Turns:
    """The searches of one principal: `asked` of them run or wait."""

    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SEARCHES_AT_ONCE))
    asked: int = 0


class SearchTurns:
    """Two searches of a principal run at a time; `max_waiting` more wait in order, and further ones are refused.

    All principals share the search threads. A principal can delay the others by at most two searches.
    """

    def __init__(self, max_waiting: int | None = MAX_WAITING_SEARCHES) -> None:
        """With a `max_waiting` of `None`, none is refused."""
        self._max_waiting = max_waiting
        self._turns: dict[Key, _Turns] = {}

    @asynccontextmanager
    async def turn(self, principal: Principal) -> AsyncIterator[None]:
        """Wait until a search of this principal may run. Cancel-safe.

        Raises:
            RateLimited: too many searches of this principal wait already.
        """
        key = (principal.role, principal.tenant_id, principal.robot_id, principal.name)
        turns = self._turns.setdefault(key, _Turns())
        if self._max_waiting is not None and turns.asked >= SEARCHES_AT_ONCE + self._max_waiting:
            raise RateLimited("too many searches at the same time; wait for some of them to end", RETRY_SECONDS)
        turns.asked += 1
        try:
            async with turns.free:
                yield
        finally:
            turns.asked -= 1
            if not turns.asked:
                del self._turns[key]
