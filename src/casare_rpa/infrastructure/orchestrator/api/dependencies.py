"""Dependencies of the routes: the parts of the control plane, the principal, and the id of the request."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.datastructures import Headers

from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.permissions import require_admin, require_reader, require_tenant
from casare_rpa.infrastructure.orchestrator.api.change_stream import StreamParts
from casare_rpa.infrastructure.orchestrator.auth.logins import Logins
from casare_rpa.infrastructure.orchestrator.auth.tickets import Tickets
from casare_rpa.infrastructure.orchestrator.auth.view_links import ViewLinks
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.jobs.failure_commands import FailureCommands
from casare_rpa.infrastructure.orchestrator.jobs.job_commands import JobCommands
from casare_rpa.infrastructure.orchestrator.jobs.preset_commands import PresetCommands
from casare_rpa.infrastructure.orchestrator.jobs.queue_commands import QueueCommands
from casare_rpa.infrastructure.orchestrator.jobs.robot_commands import RobotCommands
from casare_rpa.infrastructure.orchestrator.jobs.tenant_commands import TenantCommands
from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.failures import FailureStore
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobReader
from casare_rpa.infrastructure.orchestrator.ports.logs import LogStore
from casare_rpa.infrastructure.orchestrator.ports.presets import PresetStore
from casare_rpa.infrastructure.orchestrator.ports.robots import RobotStore
from casare_rpa.infrastructure.orchestrator.ports.sockets import admit
from casare_rpa.infrastructure.orchestrator.ports.statistics import StatisticsStore
from casare_rpa.infrastructure.orchestrator.ports.steps import StepStore
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.instances import Instances
from casare_rpa.infrastructure.orchestrator.views.attention import AttentionList
from casare_rpa.infrastructure.orchestrator.views.pending_reasons import PendingReasons

# These only describe the credentials in /openapi.json; `principal` reads the headers.
SCHEMES = [
    Depends(APIKeyHeader(name="X-API-Secret", scheme_name="AdminSecret", auto_error=False)),
    Depends(HTTPBearer(scheme_name="Token", auto_error=False)),
    Depends(APIKeyHeader(name="X-API-Key", scheme_name="RobotKey", auto_error=False)),
]


async def control_plane(request: Request) -> ControlPlane:
    plane: ControlPlane = request.app.state.control_plane
    return plane


Plane = Annotated[ControlPlane, Depends(control_plane)]


def _part(part_of: Callable[[ControlPlane], Any]) -> Any:  # noqa: ANN401 - FastAPI's Depends
    async def part(plane: Plane) -> Any:  # noqa: ANN401 - the type is in the annotation of the route
        return part_of(plane)

    return Depends(part)


_STORE = _part(lambda plane: plane.store)

JobReading = Annotated[JobReader, _STORE]
RobotReading = Annotated[RobotStore, _STORE]
LogReading = Annotated[LogStore, _STORE]
StepReading = Annotated[StepStore, _STORE]
AdminReading = Annotated[AdminStore, _STORE]
StatisticsReading = Annotated[StatisticsStore, _STORE]
FailureReading = Annotated[FailureStore, _STORE]
JobOrders = Annotated[JobCommands, _part(lambda plane: plane.commands.jobs)]
RobotOrders = Annotated[RobotCommands, _part(lambda plane: plane.commands.robots)]
QueueOrders = Annotated[QueueCommands, _part(lambda plane: plane.commands.queues)]
TenantOrders = Annotated[TenantCommands, _part(lambda plane: plane.commands.tenants)]
PresetReading = Annotated[PresetStore, _STORE]
PresetOrders = Annotated[PresetCommands, _part(lambda plane: plane.commands.presets)]
FailureOrders = Annotated[FailureCommands, _part(lambda plane: plane.commands.failures)]
ServerClock = Annotated[Clock, _part(lambda plane: plane.clock)]
OwnInstance = Annotated[Instances, _part(lambda plane: plane.instances)]
LiveFleet = Annotated[Fleet, _part(lambda plane: plane.fleet)]
Reasons = Annotated[PendingReasons, _part(lambda plane: plane.pending_reasons)]
Attention = Annotated[AttentionList, _part(lambda plane: plane.attention)]
OpenLogins = Annotated[Logins, _part(lambda plane: plane.logins)]
OpenViewLinks = Annotated[ViewLinks, _part(lambda plane: plane.view_links)]
ChangeStreaming = Annotated[StreamParts, _part(lambda plane: plane)]
OpenTickets = Annotated[Tickets, _part(lambda plane: plane.tickets)]


async def authenticated(request: Request, plane: Plane) -> Principal:
    """The principal of the first credential: admin secret, session token, robot key. Raises AuthError."""
    known: Principal | None = getattr(request.state, "principal", None)  # HttpGuard sets it for requests with a body
    if known is not None:
        return known
    found = await _principal(request.headers, plane)
    admit(request.scope)
    return found


async def _principal(headers: Headers, plane: ControlPlane) -> Principal:
    if "x-api-secret" in headers:
        return plane.authenticator.admin(headers["x-api-secret"])
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return await plane.authenticator.bearer(token.strip())
    if "x-api-key" in headers:
        return await plane.authenticator.key_holder(headers["x-api-key"])
    raise AuthError("send X-API-Secret, Authorization: Bearer, or X-API-Key", field="credentials")


Anyone = Annotated[Principal, Depends(authenticated)]


async def admin(principal: Anyone) -> Principal:
    """Admins only. Raises AuthError (403)."""
    require_admin(principal)
    return principal


Admin = Annotated[Principal, Depends(admin)]


async def reader(principal: Anyone) -> Principal:
    """Admins and viewers, for routes that change nothing. Raises AuthError (403)."""
    require_reader(principal)
    return principal


Reader = Annotated[Principal, Depends(reader)]


async def request_id(request: Request) -> str:
    """The `X-Request-ID` of the request, or the one that the server gave it."""
    given: str = request.state.request_id
    return given


RequestId = Annotated[str, Depends(request_id)]


def seen_tenant(principal: Principal, wanted: str | None) -> str | None:
    """The tenant to show: the wanted one, else the principal's own; `None` is all tenants.

    Raises AuthError (403) for a tenant that the principal may not see.
    """
    if wanted is not None:
        require_tenant(principal, wanted)
    return wanted or principal.tenant_id
