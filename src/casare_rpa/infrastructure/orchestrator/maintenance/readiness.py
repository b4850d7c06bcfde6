"""Whether this instance can do its work: the store commits a row, and hints of other instances arrive."""

import asyncio
import logging
from enum import StrEnum
from typing import NamedTuple

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.infrastructure.orchestrator.ports.bus import Bus
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.maintenance import MaintenanceStore

logger = logging.getLogger(__name__)

FRESH_SECONDS = 1.0
"""A result is used again for this time, because the request needs no credential: at most one write a second."""
WRITE_SECONDS = 5.0
NO_HINTS = "the bus is not connected: changes of other instances are seen up to a second late"


class DegradedPart(StrEnum):
    """A part of the server that can be away."""

    STORE = "store"
    BUS = "bus"


class Degraded(NamedTuple):
    """Why an instance is degraded, and which part of the server is away from it."""

    reason: str
    part: DegradedPart


class Readiness:
    """Writes a row at most once a second, for any number of requests."""

    def __init__(
        self, store: MaintenanceStore, bus: Bus, clock: Clock, *, write_seconds: float = WRITE_SECONDS
    ) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._write_seconds = write_seconds
        self._checking = asyncio.Lock()
        self._checked_at = float("-inf")
        self._problem: str | None = None

    async def check(self) -> Degraded | None:
        """Why the instance is degraded; `None` if it is not.

        A shared store that is away degrades the instance. All instances lose it at the same time: if they were not
        ready, a load balancer would have no instance left whose answers say when to try again.

        Raises:
            StoreUnavailable: the store is not shared, and nothing can be written; the sentence has the reason.
        """
        problem = await self.store_problem()
        if problem is not None and not self._store.shared:
            raise StoreUnavailable(problem)
        if problem is not None:
            return Degraded(problem, DegradedPart.STORE)
        return None if self._bus.alive else Degraded(NO_HINTS, DegradedPart.BUS)

    async def store_problem(self) -> str | None:
        """Why nothing can be written; `None` if the store commits. The first result of each kind is logged."""
        async with self._checking:
            if self._clock.monotonic() - self._checked_at >= FRESH_SECONDS:
                before, self._problem = self._problem, await self._write()
                self._checked_at = self._clock.monotonic()
                if before is None and self._problem is not None:
                    logger.warning("degraded: %s", self._problem)
                elif before is not None and self._problem is None:
                    logger.warning("no longer degraded: the store commits")
        return self._problem

    async def _write(self) -> str | None:
        try:
            async with asyncio.timeout(self._write_seconds):
                await self._store.prove_writable(self._clock.now())
        except TimeoutError:
            return f"the store did not commit within {self._write_seconds:g} s"
        except StoreUnavailable as error:
            return str(error)
        return None
