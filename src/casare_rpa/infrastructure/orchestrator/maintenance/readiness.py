"""Whether this instance can do its work: the store commits a row."""

import asyncio

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.maintenance import MaintenanceStore

FRESH_SECONDS = 1.0
"""A result is used again for this time, because the request needs no credential: at most one write a second."""
WRITE_SECONDS = 5.0


class Readiness:
    """Writes a row at most once a second, for any number of requests."""

    def __init__(self, store: MaintenanceStore, clock: Clock, *, write_seconds: float = WRITE_SECONDS) -> None:
        self._store = store
        self._clock = clock
        self._write_seconds = write_seconds
        self._checking = asyncio.Lock()
        self._checked_at = float("-inf")
        self._problem: str | None = None

    async def check(self) -> None:
        """Raises StoreUnavailable, with the reason, when nothing can be written."""
        async with self._checking:
            if self._clock.monotonic() - self._checked_at >= FRESH_SECONDS:
                self._problem = await self._write()
                self._checked_at = self._clock.monotonic()
        if self._problem is not None:
            raise StoreUnavailable(self._problem)

    async def _write(self) -> str | None:
        try:
            async with asyncio.timeout(self._write_seconds):
                await self._store.prove_writable(self._clock.now())
        except TimeoutError:
            return f"the store did not commit within {self._write_seconds:g} s"
        except StoreUnavailable as error:
            return str(error)
        return None
