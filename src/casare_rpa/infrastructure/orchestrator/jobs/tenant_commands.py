"""Commands about tenants. Each writes its audit entry in the transaction of the act."""

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.errors import Conflict
from casare_rpa.domain.permissions import require_admin, require_tenant
from casare_rpa.domain.tenants import Tenant
from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock


class TenantCommands:
    """Creates tenants."""

    def __init__(self, store: AdminStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def create(self, principal: Principal, tenant_id: str, name: str) -> Tenant:
        """Add a tenant; durable when it returns.

        Raises:
            AuthError: the principal is not an admin, or of another tenant.
            Conflict: the tenant exists.
        """
        require_admin(principal)
        require_tenant(principal, tenant_id)
        tenant = Tenant(tenant_id, name, self._clock.now())
        entry = NewAudit(tenant.created_at, principal.name, "create_tenant", tenant_id)
        if not await self._store.add_tenant(tenant, audit=entry):
            raise Conflict(f"the tenant {tenant_id!r} exists already", field="tenant_id")
        return tenant
