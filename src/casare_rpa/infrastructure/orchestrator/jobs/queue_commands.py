"""Commands about queues. Each writes its audit entry in the transaction of the act."""

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.errors import Conflict, NotFound
from casare_rpa.domain.job_request import DEFAULT_QUEUE
from casare_rpa.domain.permissions import require_admin, require_all_tenants
from casare_rpa.domain.queues import ALL_QUEUES, PausedQueue, Queue
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus, QueueChanged
from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

MAX_NAMES_SHOWN = 10


class QueueCommands:
    """Creates, pauses and resumes queues.

    Each call is durable when it returns. All raise AuthError when the principal is not an admin of all tenants, because
    all tenants share the queues.
    """

    def __init__(self, store: AdminStore, bus: EventBus, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock

    async def create(self, principal: Principal, name: str) -> Queue:
        """Add a queue. Raises Conflict when it exists."""
        self._authorise(principal)
        entry = self._entry(principal, "create_queue", name)
        queue = Queue(name, entry.at, principal.name)
        if name == DEFAULT_QUEUE or not await self._store.add_queue(queue, audit=entry):
            raise Conflict(f"the queue {name!r} exists already", field="queue")
        return queue

    async def pause(self, principal: Principal, name: str, reason: str = "") -> None:
        """Offer no jobs of a queue, or of all with `*`, until it is resumed; running jobs continue.

        A pause survives restarts. A second pause changes nothing. Raises NotFound.
        """
        await self._check(principal, name)
        entry = self._entry(principal, "pause_queue", name, reason)
        await self._store.pause_queue(PausedQueue(name, entry.at, principal.name, reason), audit=entry)
        self._bus.publish(QueueChanged())

    async def resume(self, principal: Principal, name: str, reason: str = "") -> None:
        """Offer the jobs of a queue again; `*` resumes every queue. Raises NotFound."""
        await self._check(principal, name)
        await self._store.resume_queue(name, audit=self._entry(principal, "resume_queue", name, reason))
        self._bus.publish(QueueChanged())

    def _authorise(self, principal: Principal) -> None:
        require_admin(principal)
        require_all_tenants(principal, "queues", field="queue")

    async def _check(self, principal: Principal, name: str) -> None:
        self._authorise(principal)
        known = [DEFAULT_QUEUE, *(queue.queue for queue in await self._store.queues())]
        if name not in (ALL_QUEUES, *known):
            shown = ", ".join(known[:MAX_NAMES_SHOWN]) + (", …" if len(known) > MAX_NAMES_SHOWN else "")
            raise NotFound(f"there is no queue {name!r}; existing queues: {shown}, or * for all", field="queue")

    def _entry(self, principal: Principal, action: str, name: str, note: str = "") -> NewAudit:
        return NewAudit(self._clock.now(), principal.name, action, name, note)
