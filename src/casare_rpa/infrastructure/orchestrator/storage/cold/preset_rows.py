"""Statements on presets. Portable."""

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.presets import MAX_PRESETS, Preset, PresetKey
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement

_SAVE = Statement(
    """
INSERT INTO presets (tenant_id, workflow_id, name, request, changed_at, changed_by)
SELECT :tenant_id, :workflow_id, :name, :request, :at, :by
WHERE (
    SELECT count(*) FROM presets WHERE tenant_id = :tenant_id AND workflow_id = :workflow_id AND name <> :name
) < :most
ON CONFLICT (tenant_id, workflow_id, name) DO UPDATE SET
    request = excluded.request, changed_at = excluded.changed_at, changed_by = excluded.changed_by
"""
)
_LIST = Statement(
    """
SELECT name, request, changed_at, changed_by FROM presets
WHERE tenant_id = :tenant_id AND workflow_id = :workflow_id ORDER BY name
"""
)
_DELETE = Statement("DELETE FROM presets WHERE tenant_id = :tenant_id AND workflow_id = :workflow_id AND name = :name")


def listed(connection: SqlConnection, tenant_id: str, workflow_id: str) -> list[Preset]:
    """The presets of a workflow in a tenant, by name."""
    rows = _LIST.run(connection, tenant_id=tenant_id, workflow_id=workflow_id)
    return [Preset(PresetKey(tenant_id, workflow_id, name), request, Instant(at), by) for name, request, at, by in rows]


def save(connection: SqlConnection, preset: Preset) -> bool:
    """Store or replace a preset; False when the workflow has `MAX_PRESETS` others."""
    values = {**_names(preset.key), "request": preset.request, "at": preset.changed_at, "by": preset.changed_by}
    return _SAVE.run(connection, **values, most=MAX_PRESETS).rowcount > 0


def delete(connection: SqlConnection, key: PresetKey) -> bool:
    """Delete a preset; False when there is none."""
    return _DELETE.run(connection, **_names(key)).rowcount > 0


def _names(key: PresetKey) -> dict[str, str]:
    return {"tenant_id": key.tenant_id, "workflow_id": key.workflow_id, "name": key.name}
