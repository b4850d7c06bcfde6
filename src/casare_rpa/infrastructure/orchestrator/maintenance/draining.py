"""The orderly stop of an instance: its robots move to other instances, and nothing that arrived is lost.

Every step may fail or be cut off: a robot repeats a report without an answer, and the store ends the sessions of an
instance that died meanwhile.
"""

import asyncio
import logging
from typing import Protocol

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.hub.waves import close_in_waves
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.robots.presence import Presence

logger = logging.getLogger(__name__)

CHECK_SECONDS = 0.01


class WritesBehind(Protocol):
    """A part that takes messages and writes them later, in its loop."""

    @property
    def unwritten(self) -> int:
        """The number of messages that are not written yet."""
        ...


class ConnectionDrain:
    """Closes the connections of an instance: robots first, then viewers, each in waves with 1012."""

    def __init__(self, hub: Hub, presence: Presence, writers: list[WritesBehind], clock: Clock) -> None:
        """`writers`: the parts whose waiting messages are written before the end."""
        self._hub = hub
        self._presence = presence
        self._writers = writers
        self._clock = clock

    async def close_connections(self, timeout_seconds: float) -> None:
        """Close all sessions, and wait until they have ended and everything is written, up to the timeout.

        The waves take up to half of that time. The endpoints must refuse new connections before.
        """
        self._hub.flush()
        robots = self._hub.robots()
        known = set(robots)
        sessions = [*robots, *(session for session in self._hub.sessions if session not in known)]
        logger.info(
            "draining: closing the connections of %d robots and %d others", len(robots), len(sessions) - len(robots)
        )
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._write_heartbeats()
                await close_in_waves(sessions, CloseCode.SERVICE_RESTART, self._clock, timeout_seconds / 2)
                for session in sessions:
                    await session.closed()
                while known & set(self._hub.sessions) or any(writer.unwritten for writer in self._writers):
                    await self._clock.sleep(CHECK_SECONDS)
        except TimeoutError:
            for session in sessions:
                session.close(CloseCode.SERVICE_RESTART)
            logger.warning(
                "draining: after %g s, %d connections were still open and %d messages of robots not written",
                timeout_seconds,
                len(self._hub.sessions),
                sum(writer.unwritten for writer in self._writers),
            )

    async def _write_heartbeats(self) -> None:
        """Store the last frame of each robot: its leases count from then."""
        try:
            await self._presence.write_heartbeats()
        except StoreUnavailable as error:
            logger.warning("draining: the last heartbeats are not stored: %s", error)
