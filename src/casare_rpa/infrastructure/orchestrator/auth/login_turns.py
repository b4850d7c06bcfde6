"""Turns at the password check: one attempt at a time per address, and a bounded rate per account.

The right password is accepted while others guess from the same address: every attempt is checked in its turn, and no
attempt locks an account. Guessing is slow: a failure takes a second, during which its address waits, and the attempts
at an account from all addresses share one rate. The rate is in the store, for all instances and across restarts; the
order of the attempts that wait is this instance's.

Source: docs/explanation/security.md, Guessing.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from casare_rpa.domain.credentials import digest
from casare_rpa.domain.errors import RateLimited
from casare_rpa.domain.limits import RateLimit
from casare_rpa.infrastructure.orchestrator.auth.client_address import network_of
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.logins import AttemptStore

FAILURE_SECONDS = 1.0
LANE_LIMIT = RateLimit(per_second=25 / 60, burst=5)
"""The rate of each of the two lanes of an account, which allows 60 checks of the account in any minute."""
ACCOUNT_DIGITS = 2
"""Hexadecimal digits of the digest of a name that name its lanes. With 256 groups of accounts, guesses at invented
names neither fill the store nor load it."""
MOST_WAITING = 100
"""Attempts that wait per address. Each is an open connection of that address."""
REMEMBERED = 10_000


class _Line:
    """Attempts that wait: the first holds the lock, the others wait in the order of arrival."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()  # first come, first served
        self.waiting = 0


class LoginTurns:
    """The attempts that wait for their check. Memory is bounded by the open connections and by `remembered`."""

    def __init__(
        self, store: AttemptStore, clock: Clock, *, most_waiting: int = MOST_WAITING, remembered: int = REMEMBERED
    ) -> None:
        self._store = store
        self._clock = clock
        self._most_waiting = most_waiting
        self._remembered = remembered
        self._lines: dict[str, _Line] = {}
        self._lanes: dict[str, _Line] = {}
        """Attempts at one account, at most one from each address: addresses take turns."""
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
            StoreUnavailable: the attempt cannot be counted.
        """
        network = network_of(address)
        if network in self._lines and self._lines[network].waiting >= self._most_waiting:
            raise RateLimited("too many logins from this address wait; try again", self._most_waiting * FAILURE_SECONDS)
        async with _turn(self._lines, network):
            # Asked again after each wait, so that the attempt of a disconnected client uses no check of the account.
            if await has_left():
                raise _gone()
            lane = f"{digest(username)[:ACCOUNT_DIGITS]} {'known' if network in self._known else 'other'}"
            async with _turn(self._lanes, lane):
                if await has_left():
                    raise _gone()
                wait_seconds = await self._store.attempt(lane, LANE_LIMIT, self._clock.now())
                # In its turn, so that the attempts at the account stay in order.
                await self._clock.sleep(wait_seconds)
            # The lane is free during the second of a failure, in which only this address waits.
            if is_right():
                self._remember(network)
                return True
            await self._clock.sleep(FAILURE_SECONDS)
            return False

    def _remember(self, network: str) -> None:
        self._known[network] = None
        self._known.move_to_end(network)
        if len(self._known) > self._remembered:
            self._known.popitem(last=False)


@asynccontextmanager
async def _turn(lines: dict[str, _Line], name: str) -> AsyncIterator[None]:
    """The turn of an attempt in one of the lines. A line exists while an attempt waits in it."""
    line = lines.setdefault(name, _Line())
    line.waiting += 1
    try:
        async with line.lock:
            yield
    finally:
        line.waiting -= 1
        if not line.waiting:
            del lines[name]


def _gone() -> RateLimited:
    return RateLimited("the client has disconnected", FAILURE_SECONDS)
