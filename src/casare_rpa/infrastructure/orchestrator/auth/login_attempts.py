"""Rate limit for logins: per client address, separately for the admin's name and for all other names."""

import math
from collections import OrderedDict

from casare_rpa.domain.errors import RateLimited
from casare_rpa.domain.limits import RateLimit, TokenBucket
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

LOGIN_LIMIT = RateLimit(messages_per_second=0.2, burst=5)
MAX_ADDRESSES = 10_000


class LoginAttempts:
    """Login attempts of the most recent `max_addresses` clients; the least recently used one is dropped."""

    def __init__(self, clock: Clock, max_addresses: int = MAX_ADDRESSES) -> None:
        self._clock = clock
        self._max_addresses = max_addresses
        self._turns: OrderedDict[tuple[str, bool], _Turns] = OrderedDict()

    def __len__(self) -> int:
        return len(self._turns)

    def count_attempt(self, address: str, *, known_user: bool) -> None:
        """Count one attempt from this address.

        Names that do not exist share one limit per address, so inventing names does not push other entries out.

        Raises:
            RateLimited: five attempts in a row, then one in five seconds. Other addresses are not affected.
        """
        now = self._clock.monotonic()
        key = (address, known_user)
        turns = self._turns.get(key)
        if turns is None:
            turns = self._turns[key] = _Turns(now)
            if len(self._turns) > self._max_addresses:
                self._turns.popitem(last=False)
        self._turns.move_to_end(key)
        delay_seconds = turns.next_delay_seconds(now)
        if delay_seconds > 0:
            raise RateLimited(f"too many logins; try again in {math.ceil(delay_seconds)} s", delay_seconds)


class _Turns:
    """A token bucket that reserves the next token for a client that it refused.

    A client that waits for the announced delay is always admitted, and refused attempts do not extend the delay.
    """

    __slots__ = ("_bucket", "_turn_at")

    def __init__(self, now: float) -> None:
        self._bucket = TokenBucket(LOGIN_LIMIT, now)
        self._turn_at: float | None = None

    def next_delay_seconds(self, now: float) -> float:
        """Seconds until the next attempt is admitted; 0.0 admits this one. `now` is monotonic seconds."""
        if self._turn_at is None:
            delay = self._bucket.take(now)
            self._turn_at = now + delay if delay > 0 else None
            return delay
        if now < self._turn_at:
            return self._turn_at - now
        self._turn_at = None
        return 0.0
