"""The parts of the control plane that the routes use."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends

from casare_rpa.infrastructure.orchestrator.api.dependencies import Plane
from casare_rpa.infrastructure.orchestrator.auth.logins import Logins
from casare_rpa.infrastructure.orchestrator.auth.tickets import Tickets
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.jobs.job_commands import JobCommands
from casare_rpa.infrastructure.orchestrator.jobs.queue_commands import QueueCommands
from casare_rpa.infrastructure.orchestrator.jobs.robot_commands import RobotCommands
from casare_rpa.infrastructure.orchestrator.jobs.tenant_commands import TenantCommands
from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobReader
from casare_rpa.infrastructure.orchestrator.ports.logs import LogStore
from casare_rpa.infrastructure.orchestrator.ports.robots import RobotStore
from casare_rpa.infrastructure.orchestrator.ports.statistics import StatisticsStore
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.views.attention import AttentionList
from casare_rpa.infrastructure.orchestrator.views.pending_reasons import PendingReasons


def _part(part_of: Callable[[ControlPlane], Any]) -> Any:  # noqa: ANN401 - FastAPI's Depends
    async def part(plane: Plane) -> Any:  # noqa: ANN401 - the type is in the annotation of the route
        return part_of(plane)

    return Depends(part)


_STORE = _part(lambda plane: plane.store)

JobReading = Annotated[JobReader, _STORE]
RobotReading = Annotated[RobotStore, _STORE]
LogReading = Annotated[LogStore, _STORE]
AdminReading = Annotated[AdminStore, _STORE]
StatisticsReading = Annotated[StatisticsStore, _STORE]
JobOrders = Annotated[JobCommands, _part(lambda plane: plane.commands.jobs)]
RobotOrders = Annotated[RobotCommands, _part(lambda plane: plane.commands.robots)]
QueueOrders = Annotated[QueueCommands, _part(lambda plane: plane.commands.queues)]
TenantOrders = Annotated[TenantCommands, _part(lambda plane: plane.commands.tenants)]
ServerClock = Annotated[Clock, _part(lambda plane: plane.clock)]
LiveFleet = Annotated[Fleet, _part(lambda plane: plane.fleet)]
Reasons = Annotated[PendingReasons, _part(lambda plane: plane.pending_reasons)]
Attention = Annotated[AttentionList, _part(lambda plane: plane.attention)]
OpenLogins = Annotated[Logins, _part(lambda plane: plane.logins)]
OpenTickets = Annotated[Tickets, _part(lambda plane: plane.tickets)]
