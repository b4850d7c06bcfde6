"""Commands about presets. Each writes its audit entry in the transaction of the act."""

from typing import Protocol

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.errors import Conflict, NotFound
from casare_rpa.domain.permissions import require_admin, require_tenant
from casare_rpa.domain.presets import MAX_PRESETS, Preset, PresetKey, check_size
from casare_rpa.domain.tenants import Tenant
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.presets import PresetStore


class PresetCommandStore(PresetStore, Protocol):
    """The port of the store that `PresetCommands` uses."""

    async def tenant(self, tenant_id: str) -> Tenant | None: ...


class PresetCommands:
    """Saves and deletes presets. Each call is durable when it returns. The target of an audit entry is the workflow.

    All raise:
        AuthError: the principal is not an admin, or of another tenant.
    """

    def __init__(self, store: PresetCommandStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def save(self, principal: Principal, key: PresetKey, request: str) -> Preset:
        """Store a preset, or replace the one with its name.

        Raises:
            NotFound: no such tenant.
            ProtocolError: the request is too large.
            Conflict: the workflow has the largest number of presets.
        """
        self._check(principal, key)
        check_size(request)
        if await self._store.tenant(key.tenant_id) is None:
            raise NotFound(f"there is no tenant {key.tenant_id!r}", field="tenant_id")
        now = self._clock.now()
        preset = Preset(key, request, now, principal.name)
        entry = NewAudit(now, principal.name, "save_preset", key.workflow_id, key.name)
        if not await self._store.save_preset(preset, audit=entry):
            raise Conflict(f"the workflow has {MAX_PRESETS} presets: delete one of them", field="name")
        return preset

    async def delete(self, principal: Principal, key: PresetKey) -> None:
        """Delete a preset. Raises NotFound when there is none."""
        self._check(principal, key)
        entry = NewAudit(self._clock.now(), principal.name, "delete_preset", key.workflow_id, key.name)
        if not await self._store.delete_preset(key, audit=entry):
            raise NotFound(f"there is no preset {key.name!r} of the workflow {key.workflow_id!r}", field="name")

    def _check(self, principal: Principal, key: PresetKey) -> None:
        require_admin(principal)
        require_tenant(principal, key.tenant_id)
