"""/api/v1/tenants: tenants, whose robots and jobs are separated."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from casare_rpa.domain.fields import PLAIN_TEXT_PATTERN
from casare_rpa.domain.instants import rfc3339
from casare_rpa.domain.limits import MAX_NAME_LENGTH
from casare_rpa.domain.protocol import ID_PATTERN
from casare_rpa.domain.tenants import Tenant
from casare_rpa.infrastructure.orchestrator.api.dependencies import SCHEMES, Admin, AdminReading, TenantOrders
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses

router = APIRouter(prefix="/api/v1/tenants", tags=["tenants"], dependencies=SCHEMES)


class NewTenant(BaseModel):
    tenant_id: str = Field(pattern=ID_PATTERN)
    name: str = Field(min_length=1, max_length=MAX_NAME_LENGTH, pattern=PLAIN_TEXT_PATTERN)


class TenantView(BaseModel):
    tenant_id: str
    name: str
    created_at: str


class TenantList(BaseModel):
    items: list[TenantView]


def _view(tenant: Tenant) -> TenantView:
    return TenantView(tenant_id=tenant.tenant_id, name=tenant.name, created_at=rfc3339(tenant.created_at))


@router.post("", status_code=201, responses=responses(401, 403, 409, 413, 422, 503))
async def create_tenant(body: NewTenant, tenant_commands: TenantOrders, principal: Admin) -> TenantView:
    """Create a tenant. 409 if it exists."""
    return _view(await tenant_commands.create(principal, body.tenant_id, body.name))


@router.get("", responses=responses(401, 403, 503))
async def list_tenants(admin_store: AdminReading, principal: Admin) -> TenantList:
    """The tenants that the credential may see."""
    return TenantList(
        items=[_view(tenant) for tenant in await admin_store.tenants() if principal.sees(tenant.tenant_id)]
    )
