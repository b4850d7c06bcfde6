"""Dependencies of the routes: the control plane, the principal, and the id of the request."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.datastructures import Headers

from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.permissions import require_admin, require_tenant
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.ports.sockets import admit

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
