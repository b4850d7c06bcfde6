"""Every command of the control plane, one function each, for HTTP, WebSockets and programs that embed it."""

from typing import Protocol

from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.errors import AuthError, CasareError, ProtocolError
from casare_rpa.domain.queues import ALL_QUEUES
from casare_rpa.domain.robot_records import RobotAction
from casare_rpa.domain.vocabulary import Action
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.jobs.failure_commands import FailureCommands, FailureCommandStore
from casare_rpa.infrastructure.orchestrator.jobs.job_commands import JobCommands, JobCommandStore
from casare_rpa.infrastructure.orchestrator.jobs.preset_commands import PresetCommands, PresetCommandStore
from casare_rpa.infrastructure.orchestrator.jobs.queue_commands import QueueCommands
from casare_rpa.infrastructure.orchestrator.jobs.robot_commands import RobotCommands, RobotCommandStore
from casare_rpa.infrastructure.orchestrator.jobs.tenant_commands import TenantCommands
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet


class CommandStore(JobCommandStore, RobotCommandStore, FailureCommandStore, PresetCommandStore, Protocol):
    """The ports of the store that the commands use."""


class Commands:
    """The commands by noun. `execute` maps those of /ws/admin to them."""

    def __init__(
        self, store: CommandStore, bus: EventBus, hub: Hub, fleet: Fleet, clock: Clock, key_seed: bytes
    ) -> None:
        """`key_seed` is a secret, see `RobotCommands`."""
        self.jobs = JobCommands(store, bus, clock)
        self.robots = RobotCommands(store, bus, hub, fleet, clock, key_seed)
        self.queues = QueueCommands(store, bus, clock)
        self.tenants = TenantCommands(store, clock)
        self.failures = FailureCommands(store, clock)
        self.presets = PresetCommands(store, clock)

    async def execute(
        self, action: Action, target_id: str | None, principal: Principal, reason: str | None = None
    ) -> None:
        """Carry out a `command` message; its errors are about the field `target_id`.

        Without a target, the commands of queues are about all queues.

        Raises:
            ProtocolError: another command has no target.
            NotFound: no such job, robot or queue, or the principal may not see it.
            AuthError: the principal may not give this command.
            InvalidTransition: the job has ended.
        """
        if not target_id and action not in (Action.PAUSE_QUEUE, Action.RESUME_QUEUE):
            raise ProtocolError(f"{action} needs the id of a job or robot", field="target_id")
        try:
            await self._run(action, target_id or ALL_QUEUES, principal, reason or "")
        except CasareError as error:
            if isinstance(error, AuthError):
                error.field = "action"
            elif error.field is not None:
                error.field = "target_id"
            raise

    async def _run(self, action: Action, target_id: str, principal: Principal, reason: str) -> None:
        match action:
            case Action.CANCEL_JOB:
                await self.jobs.cancel(principal, target_id, reason)
            case Action.RESTART_ROBOT:
                await self.robots.order(principal, RobotAction.RESTART, target_id, reason)
            case Action.DRAIN_ROBOT:
                await self.robots.order(principal, RobotAction.DRAIN, target_id, reason)
            case Action.RESUME_ROBOT:
                await self.robots.order(principal, RobotAction.RESUME, target_id, reason)
            case Action.PAUSE_QUEUE:
                await self.queues.pause(principal, target_id, reason)
            case Action.RESUME_QUEUE:
                await self.queues.resume(principal, target_id, reason)
