"""Limits how many connections a second one credential opens; further ones wait for their turn.

A connection costs an instance a millisecond, and its end another one. A client that connects in a loop, hostile or
broken, would otherwise take a large share of the event loop. Source: docs/reference/websocket-contract.md, Rate limits.
"""

import asyncio

from casare_rpa.domain.credentials import Holder
from casare_rpa.domain.limits import RateLimit, TokenBuckets
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

LONGEST_WAIT_SECONDS = 5.0
"""The longest wait for a turn. Most clients give up a handshake after ten seconds."""
CREDENTIALS = 20_000
"""The credentials that are remembered; one that is forgotten begins with a full budget."""


class ConnectionTurns:
    """The budgets of all credentials that opened a connection lately."""

    def __init__(self, limit: RateLimit | None, clock: Clock, credentials: int = CREDENTIALS) -> None:
        self._clock = clock
        self._budgets = TokenBuckets(limit, credentials)
        self._released = asyncio.Event()
        self.delayed = 0
        """Connections that waited, or were refused because they would have waited for too long."""

    async def wait(self, holder: Holder) -> bool:
        """Return when the credential may open its next connection: True, or False at once if that takes over 5 s."""
        now = self._clock.monotonic()
        seconds = self._budgets.take(holder, now)
        self.delayed += seconds > 0.0
        if seconds > LONGEST_WAIT_SECONDS:
            self._budgets.take(holder, now, -1.0)
            return False
        if seconds > 0.0:
            await self._sleep(seconds)
        return True

    def release(self) -> None:
        """End every wait: the server closes its connections, and refuses new ones with the reason."""
        self._released.set()

    async def _sleep(self, seconds: float) -> None:
        tasks = {asyncio.create_task(self._clock.sleep(seconds)), asyncio.create_task(self._released.wait())}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
