"""The store port of presets."""

from typing import Protocol

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.presets import Preset, PresetKey


class PresetStore(Protocol):
    """Presets of workflows. A write and its `audit` entry are in one transaction."""

    async def presets(self, tenant_id: str, workflow_id: str) -> list[Preset]:
        """The presets of a workflow in a tenant, by name."""
        ...

    async def save_preset(self, preset: Preset, *, audit: NewAudit) -> bool:
        """Store a preset, or replace the one with its key.

        False, without an audit entry, when it is new and the workflow has `MAX_PRESETS` already.
        """
        ...

    async def delete_preset(self, key: PresetKey, *, audit: NewAudit) -> bool:
        """Delete a preset. False, without an audit entry, when there is none."""
        ...
