"""Moves robots away from an instance that alone has lost the store: the others can renew the leases of their jobs."""

import logging

from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.hub.waves import close_in_waves
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.maintenance import MaintenanceStore
from casare_rpa.infrastructure.orchestrator.robots.instances import Instances

logger = logging.getLogger(__name__)

CUT_OFF_SECONDS = 45.0
"""An instance that has had no answer of the store for so long is cut off, if others ran before: half of a lease."""
WAVES_SECONDS = 5.0
REASON = "the server has lost its database; connect again, to another instance"


class CutOffInstance:
    """Closes the robots of an instance that is cut off with 1013, once for each time."""

    def __init__(self, store: MaintenanceStore, instances: Instances, hub: Hub, clock: Clock) -> None:
        self._store = store
        self._instances = instances
        self._hub = hub
        self._clock = clock

    async def move_robots(self) -> None:
        """One round. An instance without others keeps its robots: these have no other place."""
        seconds = self._instances.unanswered_seconds()
        robots = self._hub.robots()
        if not (self._store.shared and self._instances.others_run and seconds >= CUT_OFF_SECONDS and robots):
            return
        logger.error("no answer of the store for %.0f s: %d robots are sent to other instances", seconds, len(robots))
        await close_in_waves(robots, CloseCode.OVERLOADED, self._clock, WAVES_SECONDS, REASON)
