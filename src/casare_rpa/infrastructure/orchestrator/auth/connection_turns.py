"""Limits how many connections a second one credential opens; further ones wait for their turn.

A connection costs an instance a millisecond, and its end another one. A client that connects in a loop, hostile or
broken, would otherwise take a large share of the event loop. Source: docs/reference/websocket-contract.md, Rate limits.
"""

from collections import OrderedDict

from casare_rpa.domain.limits import RateLimit, TokenBucket
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

LONGEST_WAIT_SECONDS = 5.0
"""The longest wait for a turn. Most clients give up a handshake after ten seconds."""
CREDENTIALS = 20_000
"""The credentials that are remembered; one that is forgotten begins with a full budget."""


class ConnectionTurns:
    """The budgets of all credentials that opened a connection lately."""

    def __init__(self, limit: RateLimit | None, clock: Clock, credentials: int = CREDENTIALS) -> None:
        self._limit = limit
        self._clock = clock
        self._credentials = credentials
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    async def wait(self, principal: str) -> bool:
        """Return when the credential may open its next connection: True, or False at once if that takes over 5 s."""
        now = self._clock.monotonic()
        bucket = self._buckets.pop(principal, None) or TokenBucket(self._limit, now)
        self._buckets[principal] = bucket  # the last one is the one that was used last
        if len(self._buckets) > self._credentials:
            self._buckets.popitem(last=False)
        seconds = bucket.take(now)
        if seconds > LONGEST_WAIT_SECONDS:
            bucket.take(now, -1.0)
            return False
        if seconds > 0.0:
            await self._clock.sleep(seconds)
        return True
