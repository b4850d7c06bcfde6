"""The mailbox of this instance: orders that another instance stored for its connections.

An order is a fact in the store: an audit entry, a cancel that was not sent, a newer session. It is read when a hint
arrives, and each second, so a lost hint delays an order by a second. Each order takes effect once here: what this
instance ordered itself has taken effect already, and is recognised.
"""

import asyncio
import logging
from typing import Protocol

from casare_rpa.domain.instance_orders import AuditedAct
from casare_rpa.domain.job_updates import cancel_order
from casare_rpa.infrastructure.orchestrator.bus.events import (
    CancelOrdered,
    EventBus,
    RobotChanged,
    WorkAvailable,
    all_published,
)
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.jobs.dispatcher import Dispatcher
from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore
from casare_rpa.infrastructure.orchestrator.ports.bus import Hint
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.instances import InstanceStore
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobReader
from casare_rpa.infrastructure.orchestrator.ports.maintenance import MaintenanceStore
from casare_rpa.infrastructure.orchestrator.ports.robots import RobotStore
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.presence import Presence

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.9
ACTS_AT_ONCE = 500
GAP_SECONDS = 0.05
"""The pause between two reads, however many hints arrive."""


class MailboxStore(InstanceStore, AdminStore, RobotStore, JobReader, MaintenanceStore, Protocol):
    """The ports of the store that `Mailbox` uses."""


class Mailbox:
    """Reads the orders to this instance, and carries them out."""

    def __init__(
        self,
        store: MailboxStore,
        bus: EventBus,
        hub: Hub,
        fleet: Fleet,
        presence: Presence,
        dispatcher: Dispatcher,
        clock: Clock,
        instance: str,
    ) -> None:
        self._store = store
        self._bus = bus
        self._hub = hub
        self._fleet = fleet
        self._presence = presence
        self._dispatcher = dispatcher
        self._clock = clock
        self._instance = instance
        self._last_audit_id = 0
        self._hint_arrived = asyncio.Event()
        self._unsent: dict[str, None] = {}
        """Ids of jobs with a cancel that no read since the last round of `repeat_cancels` has shown as sent."""
        self._cancel_found = asyncio.Event()
        bus.subscribe(self._receive)

    async def load(self) -> None:
        """Begin with the acts after this call. Called at the start, before any connection."""
        self._last_audit_id = await self._store.last_audit_id()

    def _receive(self, hint: Hint) -> None:
        if hint.orders:
            self._hint_arrived.set()

    async def read(self) -> None:
        """One round: wait for a hint about orders, or a second, then carry out the orders."""
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._hint_arrived.wait()
        except TimeoutError:
            pass  # the poll
        self._hint_arrived.clear()
        await self.carry_out()
        await self._clock.sleep(GAP_SECONDS)

    async def carry_out(self) -> None:
        """Read the orders until there are no more, and carry them out; cancels are left to `repeat_cancels`."""
        while True:
            orders = await self._store.orders(self._instance, self._last_audit_id, ACTS_AT_ONCE)
            self._presence.close_moved(orders.moved)
            if orders.cancels:
                self._unsent.update(dict.fromkeys(orders.cancels))
                self._cancel_found.set()
            for act in orders.acts:
                await self._carry_out(act)
                self._last_audit_id = act.audit_id
            if len(orders.acts) < ACTS_AT_ONCE:
                return

    async def repeat_cancels(self) -> None:
        """One round: wait until a read found cancels that were not sent, and send them."""
        await self._cancel_found.wait()
        self._cancel_found.clear()
        await self.send_unsent()

    async def send_unsent(self) -> None:
        """Send cancels whose order did not arrive here as an event.

        It waits for writes, up to 10 seconds while the store is slow. The other orders must not wait for it.
        """
        unsent, self._unsent = self._unsent, {}
        if not unsent:
            return
        await all_published(self._store)  # a cancel of this instance is sent by its event, after the same commit
        for job_id in unsent:
            if self._dispatcher.is_sending(job_id):
                continue
            job = await self._store.job(job_id)
            order = cancel_order(job) if job is not None and job.finished_at is None else None
            if order is not None and job is not None and job.cancel_sent_at is None:
                self._bus.publish(CancelOrdered(order))

    async def _carry_out(self, act: AuditedAct) -> None:
        match act.action:
            case "revoke_key":
                self._hub.expel_key(act.note or "")
            case "sign_out" | "end_session" | "revoke_view_link":
                self._hub.expel_login(act.target)
            case "remove_robot":
                self._hub.expel_robot(act.target)
            case "create_robot" | "change_robot" | "drain_robot" | "resume_robot" | "restart_robot":
                await self._reload_robot(act)

    async def _reload_robot(self, act: AuditedAct) -> None:
        stored = await self._store.robot(act.target)
        if stored is None:
            return
        known = self._fleet.get(stored.robot_id)
        changed = known is None or known.robot != stored
        live = self._fleet.set_profile(stored) if changed or known is None else known
        if act.action == "resume_robot":
            live.stop_skipping()
        if act.action == "restart_robot":
            live.send_restart(self._clock.now(), again=False)
        if changed:
            self._bus.publish(RobotChanged(stored.robot_id))
            self._bus.publish(WorkAvailable())
