"""The rescuer: handles expired offers and leases, timeouts, and unconfirmed cancels.

It reads the due jobs, and the table checks them again inside the write, so a report in between takes precedence. After
a pause of this instance the leases that it judges are extended once, because frames sent during the pause may have been
missed. The leases of robots that are connected to another instance are left to that one.
"""

import logging
import random

from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.instants import Instant, after
from casare_rpa.domain.job_events import DeadlineOver, Event, GraceOver, LeaseOver, OfferExpired, QueueExpired
from casare_rpa.domain.job_records import Change
from casare_rpa.domain.liveness import LEASE_SECONDS
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus, publish_applied
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobWriter
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.instances import Instances

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 1.0
LATE_SECONDS = 10.0
JUMP_SECONDS = 5.0
BATCH_SIZE = 500


class Rescuer:
    """Safe to run on several instances and at any time: the table checks each deadline again inside the write."""

    def __init__(self, store: JobWriter, bus: EventBus, fleet: Fleet, clock: Clock, instances: Instances) -> None:
        self._store = store
        self._bus = bus
        self._fleet = fleet
        self._clock = clock
        self._instances = instances
        self._last_round_at: float | None = None
        self._store_was_away = False
        self._nothing_lost_before = Instant(0)

    async def rescue(self) -> None:
        """One round: apply every overdue event. The first round of a process counts as one after a pause."""
        try:
            # Again after each window: this instance may have stood still while the window was written.
            while (pause := self._pause()) is not None:
                await self._open_window(pause)
            await self._sweep()
        except StoreUnavailable:
            self._store_was_away = True
            raise

    def _pause(self) -> str | None:
        """Why this instance may have missed frames of robots since the last call; `None` when it cannot have."""
        last, self._last_round_at = self._last_round_at, self._clock.monotonic()
        was_away, self._store_was_away = self._store_was_away, False
        jump = self._clock.jump_seconds()
        if last is None:
            return "start"
        if abs(jump) > JUMP_SECONDS:
            return f"the clock jumped by {jump:.0f} s"
        if self._last_round_at - last > LATE_SECONDS:
            return f"this loop was {self._last_round_at - last:.0f} s late"
        return "the store did not answer" if was_away else None

    async def _open_window(self, pause: str) -> None:
        """Extend leases after a pause of this instance: of the robots that are connected here, or nowhere.

        A robot that had lost its connection could not make another one while the store did not answer.
        When no other instance runs, frames of all robots may be missing, so all leases are extended.
        """
        # A report or an offer that is being written now carries a time before the pause, and so does its new lease or
        # expiry. So no lease, and no offer that a robot may have started, counts as over before this window ends.
        until = after(self._clock.now(), LEASE_SECONDS)
        self._nothing_lost_before = until
        instances = self._instances
        count = await self._store.extend_leases(until, instances.instance if instances.others_run else None)
        if count:
            logger.warning("recovery window: %d live leases extended by %d s (%s)", count, LEASE_SECONDS, pause)

    async def _sweep(self) -> None:
        now = self._clock.now()
        while due := await self._store.due(now, BATCH_SIZE, self._instances.instance):
            if now < self._nothing_lost_before:
                due = [one for one in due if one[1] not in (LeaseOver.name, OfferExpired.held_name)]
            # A robot that sent a frame since the last write of heartbeats has a newer lease than the store knows.
            due = [one for one in due if one[1] != LeaseOver.name or not self._fleet.renews(one[0])]
            publish_applied(
                self._bus, await self._store.apply([Change(job_id, _event(name), now) for job_id, name in due])
            )
            if len(due) < BATCH_SIZE:
                return


def _event(name: str) -> Event:
    """The event of a due job, by the name that the store returned."""
    match name:
        case OfferExpired.name | OfferExpired.held_name:
            return OfferExpired()
        case DeadlineOver.name:
            return DeadlineOver()
        case GraceOver.name:
            return GraceOver()
        case QueueExpired.name:
            return QueueExpired()
        case LeaseOver.name:
            return LeaseOver(random.random())  # noqa: S311
    raise ValueError(f"no such event: {name}")
