"""What an admin orders over /ws/admin or HTTP, one function each, written to the audit trail."""

import secrets
from collections.abc import Awaitable, Callable

from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.errors import AuthError, InvalidTransition, NotFound, ProtocolError
from casare_rpa.domain.job import DEFAULT_QUEUE
from casare_rpa.domain.protocol import Action, CloseCode
from casare_rpa.domain.queues import PausedQueue
from casare_rpa.domain.restarts import restart_message
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus, QueueChanged, RobotChanged, WorkAvailable
from casare_rpa.infrastructure.orchestrator.jobs.dispatcher import Dispatcher
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet

ALL_QUEUES = "*"
QUEUE_ACTIONS = (Action.PAUSE_QUEUE, Action.RESUME_QUEUE)
DEFAULT_CANCEL_REASON = "cancelled by an admin"


class Commands:
    """The verbs. Each is durable when it returns, and raises a CasareError that says why it was not done."""

    def __init__(self, store: Store, bus: EventBus, fleet: Fleet, dispatcher: Dispatcher, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._fleet = fleet
        self._dispatcher = dispatcher
        self._clock = clock
        self._verbs: dict[Action, Callable[[str, str, str], Awaitable[None]]] = {
            Action.CANCEL_JOB: self.cancel_job,
            Action.RESTART_ROBOT: self.restart_robot,
            Action.PAUSE_QUEUE: self.pause_queue,
            Action.RESUME_QUEUE: self.resume_queue,
            Action.DRAIN_ROBOT: self.drain_robot,
            Action.RESUME_ROBOT: self.resume_robot,
        }

    async def execute(self, action: Action, target_id: str, who: Principal, reason: str | None = None) -> None:
        """Carry out a command and note who ordered it.

        Raises:
            NotFound: no such job or robot, or not one that this principal sees.
            AuthError: it concerns every tenant, and the principal is of one.
            InvalidTransition: the job has ended already.
            ProtocolError: no such queue.
        """
        if who.tenant_id is not None:
            await self._check_reach(action, target_id, who)
        await self._verbs[action](target_id, who.name, reason or "")
        await self._store.record(self._clock.now(), who.name, action.value, target_id, reason or "")

    async def _check_reach(self, action: Action, target_id: str, who: Principal) -> None:
        """Raises NotFound or AuthError when the target is not of the principal's one tenant."""
        if action in QUEUE_ACTIONS:
            raise AuthError(
                "queues belong to all tenants, this credential to one", CloseCode.FORBIDDEN, field="target_id"
            )
        job = action is Action.CANCEL_JOB
        target = await (self._store.job(target_id) if job else self._store.robot(target_id))
        if target is None or not who.sees(target.tenant_id):
            raise NotFound(f"there is no {'job' if job else 'robot'} {target_id!r}", field="target_id")

    async def cancel_job(self, target_id: str, by: str, reason: str) -> None:
        try:
            await self._dispatcher.cancel(target_id, reason or DEFAULT_CANCEL_REASON, by)
        except (NotFound, InvalidTransition) as error:
            error.field = "target_id"
            raise

    async def restart_robot(self, target_id: str, by: str, reason: str) -> None:  # noqa: ARG002 - verbs are alike
        """Kept ten minutes for a robot that is away; done when it is back as another process."""
        command_id = f"cmd-{secrets.token_hex(8)}"
        if not await self._store.request_restart(target_id, command_id, self._clock.now()):
            raise NotFound(f"there is no robot {target_id!r}", field="target_id")
        stored = await self._store.robot(target_id)
        live = self._fleet.set_profile(stored) if stored is not None else None
        command = restart_message(live.robot, self._clock.now()) if live else None
        if live is not None and live.connection is not None and command is not None:
            live.connection.session.send(command)

    async def drain_robot(self, target_id: str, by: str, reason: str) -> None:
        """No new jobs for it; those that it holds go on. Lasts over its restarts and ours."""
        if not await self._store.drain_robot(target_id, self._clock.now(), by, reason):
            raise NotFound(f"there is no robot {target_id!r}", field="target_id")
        await self._reload_robot(target_id)

    async def resume_robot(self, target_id: str, by: str, reason: str) -> None:  # noqa: ARG002 - verbs are alike
        """It gets jobs again, also if it was passed over for offers that it left unanswered."""
        if not await self._store.resume_robot(target_id):
            raise NotFound(f"there is no robot {target_id!r}", field="target_id")
        live = self._fleet.get(target_id)
        if live is not None:
            live.stop_skipping()
        await self._reload_robot(target_id)

    async def _reload_robot(self, robot_id: str) -> None:
        stored = await self._store.robot(robot_id)
        if stored is not None:
            self._fleet.set_profile(stored)
        self._bus.publish(RobotChanged(robot_id))
        self._bus.publish(WorkAvailable())

    async def pause_queue(self, target_id: str, by: str, reason: str) -> None:
        """Stops handing out, nothing else; lasts over restarts."""
        await self._check_queue(target_id)
        await self._store.pause_queue(PausedQueue(target_id, self._clock.now(), by, reason))
        self._bus.publish(QueueChanged())

    async def resume_queue(self, target_id: str, by: str, reason: str) -> None:  # noqa: ARG002 - verbs are alike
        await self._check_queue(target_id)
        await self._store.resume_queue(target_id)
        self._bus.publish(QueueChanged())

    async def _check_queue(self, target_id: str) -> None:
        known = [DEFAULT_QUEUE, *(queue.queue for queue in await self._store.queues())]
        if target_id not in (ALL_QUEUES, *known):
            shown = ", ".join(known[:10]) + (", …" if len(known) > 10 else "")
            raise ProtocolError(f"there is no queue {target_id!r}; there is: {shown}, or * for all", field="target_id")
