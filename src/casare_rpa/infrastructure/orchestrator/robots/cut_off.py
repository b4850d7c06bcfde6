"""Moves robots away from an instance that alone has lost the store: the others can renew the leases of their jobs."""

import asyncio
import logging

from casare_rpa.domain.robot_sessions import DEAD_SECONDS
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.hub.waves import close_in_waves
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.instances import AskInstance
from casare_rpa.infrastructure.orchestrator.ports.maintenance import MaintenanceStore
from casare_rpa.infrastructure.orchestrator.robots.instances import Instances

logger = logging.getLogger(__name__)

CUT_OFF_SECONDS = 45.0
"""An instance that has had no answer of the store for so long is cut off, if another one has: half of a lease."""
AGREED_SECONDS = DEAD_SECONDS
"""Another instance must have had the store for so long. When the store returns to all, it returns to some earlier."""
WAVES_SECONDS = 5.0
REASON = "the server has lost its database; connect again, to another instance"
NOT_READY = "this instance has lost the database, which another instance reaches"


class CutOffInstance:
    """Closes the robots of an instance that is cut off with 1013.

    While the store is away from all instances, the robots stay: a reconnect would help none of them.
    """

    def __init__(
        self, store: MaintenanceStore, instances: Instances, hub: Hub, clock: Clock, ask_instance: AskInstance
    ) -> None:
        self._store = store
        self._instances = instances
        self._hub = hub
        self._clock = clock
        self._ask_instance = ask_instance
        self._others_reach_since: float | None = None
        """Since when (monotonic) every round found another instance that reaches the store."""
        self._cut_off_since: float | None = None
        """The beginning of the outage in which this instance was found to be cut off."""

    @property
    def problem(self) -> str | None:
        """Why a load balancer should send clients elsewhere; `None` from the next answer of the store on."""
        since = self._cut_off_since
        return NOT_READY if since is not None and since == self._instances.unanswered_since else None

    async def move_robots(self) -> None:
        """One round."""
        seconds = self._instances.unanswered_seconds()
        if not self._store.shared or seconds < CUT_OFF_SECONDS - AGREED_SECONDS:
            self._others_reach_since = None
            return
        if self.problem is None and not (await self._others_reach_store() and seconds >= CUT_OFF_SECONDS):
            return
        began = self._instances.unanswered_since
        if began is None:
            return  # the store answered while the others were asked
        if self.problem is None:
            logger.error("no answer of the store for %.0f s; another instance reaches it", seconds)
            self._cut_off_since = began
        if robots := self._hub.robots():
            logger.error("%d robots are sent to other instances", len(robots))
            await close_in_waves(robots, CloseCode.OVERLOADED, self._clock, WAVES_SECONDS, REASON)

    async def _others_reach_store(self) -> bool:
        """Whether at least one other instance has reached the store in each round of the last 15 s."""
        began = self._clock.monotonic()
        answers = await asyncio.gather(*(self._ask_instance(address) for address in self._instances.others))
        if not any(answers):
            self._others_reach_since = None
            return False
        if self._others_reach_since is None:
            self._others_reach_since = began
        return began - self._others_reach_since >= AGREED_SECONDS
