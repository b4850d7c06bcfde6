"""Turns at the password check: one attempt at a time per address, and a bounded rate per account.

The right password is accepted while others guess from the same address: every attempt is checked in its turn, and no
attempt locks an account. Guessing is slow: a failure takes a second, during which its address waits, and the attempts
at an account from all addresses share one rate.

Source: docs/explanation/security.md, Guessing.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from casare_rpa.domain.credentials import digest
from casare_rpa.domain.errors import RateLimited
from casare_rpa.domain.limits import RateLimit, TokenBucket
from casare_rpa.infrastructure.orchestrator.auth.client_address import network_of
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

FAILURE_SECONDS = 1.0
LANE_LIMIT = RateLimit(per_second=25 / 60, burst=5)
"""The rate of each of the two lanes of an account, which allows 60 checks of the account in any minute."""
MOST_WAITING = 100
"""Attempts that wait per address. Each is an open connection of that address."""
REMEMBERED = 10_000


class _Line:
    """Attempts of one address: the first holds the lock, the others wait in the order of arrival."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()  # first come, first served
        self.waiting = 0


class _Lane:
    """Attempts at one account, at most one from each address: addresses take turns."""

    def __init__(self, now: float) -> None:
        self.lock = asyncio.Lock()
        self.bucket = TokenBucket(LANE_LIMIT, now)


class LoginTurns:
    """The attempts that wait for their check. Memory is bounded by the open connections and by `remembered`."""

    def __init__(self, clock: Clock, *, most_waiting: int = MOST_WAITING, remembered: int = REMEMBERED) -> None:
        self._clock = clock
        self._most_waiting = most_waiting
        self._remembered = remembered
        self._lines: dict[str, _Line] = {}
        self._lanes: OrderedDict[tuple[str, bool], _Lane] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()
        """Addresses that sent the right password. They have a separate lane, so that many other addresses
        cannot use up the checks of an account."""

    def __len__(self) -> int:
        """Addresses and accounts in memory."""
        return len(self._lines) + len(self._lanes) + len(self._known)

    async def check(
        self, username: str, address: str, is_right: Callable[[], bool], has_left: Callable[[], Awaitable[bool]]
    ) -> bool:
        """The result of `is_right`, called when it is the turn of this attempt. `False` is returned after a second.

        An attempt whose client `has_left` is not checked and delays no other attempt.

        Raises:
            RateLimited: too many attempts from this address wait, or the client has disconnected.
        """
        network = network_of(address)
        async with self._turn_of_address(network):
            # Asked again after each wait, so that the attempt of a disconnected client uses no check of the account.
            if await has_left():
                raise _gone()
            lane = self._lane(username, known=network in self._known)
            async with lane.lock:
                if await has_left():
                    raise _gone()
                # Under the lock, so that the attempts at the account stay in order.
                await self._clock.sleep(lane.bucket.take(self._clock.monotonic()))
            # The lane is free during the second of a failure, in which only this address waits.
            if is_right():
                self._remember(network)
                return True
            await self._clock.sleep(FAILURE_SECONDS)
            return False

    @asynccontextmanager
    async def _turn_of_address(self, network: str) -> AsyncIterator[None]:
        line = self._lines.setdefault(network, _Line())
        if line.waiting >= self._most_waiting:
            raise RateLimited("too many logins from this address wait; try again", self._most_waiting * FAILURE_SECONDS)
        line.waiting += 1
        try:
            async with line.lock:
                yield
        finally:
            line.waiting -= 1
            if not line.waiting:
                del self._lines[network]

    def _lane(self, username: str, *, known: bool) -> _Lane:
        key = (digest(username), known)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane(self._clock.monotonic())
            if len(self._lanes) > self._remembered:
                self._lanes.popitem(last=False)
        self._lanes.move_to_end(key)
        return lane

    def _remember(self, network: str) -> None:
        self._known[network] = None
        self._known.move_to_end(network)
        if len(self._known) > self._remembered:
            self._known.popitem(last=False)


def _gone() -> RateLimited:
    return RateLimited("the client has disconnected", FAILURE_SECONDS)
