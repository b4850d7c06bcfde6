"""/api/v1/presets: named values for the jobs of a workflow."""

import json
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from casare_rpa.domain.fields import PLAIN_TEXT_PATTERN
from casare_rpa.domain.instants import rfc3339
from casare_rpa.domain.limits import MAX_ID_LENGTH
from casare_rpa.domain.presets import Preset, PresetKey
from casare_rpa.infrastructure.orchestrator.api.dependencies import (
    SCHEMES,
    Admin,
    PresetOrders,
    PresetReading,
    Reader,
    seen_tenant,
)
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses
from casare_rpa.infrastructure.orchestrator.api.job_views import json_text, with_requested_fields
from casare_rpa.infrastructure.orchestrator.api.new_jobs import REQUESTED, RequestedJob
from casare_rpa.infrastructure.orchestrator.api.parameters import WantedId

router = APIRouter(prefix="/api/v1/presets", tags=["jobs"], dependencies=SCHEMES)

DEFAULT_TENANT = "default"
_OF_A_PRESET = tuple(field for field in REQUESTED if field.name not in ("workflow_id", "not_before"))

Name = Annotated[str, Query(min_length=1, max_length=MAX_ID_LENGTH, pattern=PLAIN_TEXT_PATTERN)]
"""The name of a preset or of its workflow."""


@with_requested_fields(tuple(field for field in REQUESTED if field.name != "not_before"))
class NewPreset(RequestedJob):
    """A job with a name, which is stored and not submitted. It has no start time."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=MAX_ID_LENGTH, pattern=PLAIN_TEXT_PATTERN)


@with_requested_fields(_OF_A_PRESET)
class PresetJob(BaseModel):
    """The fields of a job that a preset sets."""

    robot_id: str | None = None


class PresetView(BaseModel):
    name: str
    workflow_id: str
    tenant_id: str
    job: PresetJob
    changed_at: str
    changed_by: str


class PresetList(BaseModel):
    items: list[PresetView]


@router.get("", responses=responses(401, 403, 422, 503))
async def list_presets(
    preset_store: PresetReading, principal: Reader, workflow_id: Name, tenant_id: WantedId = None
) -> PresetList:
    """The presets of a workflow, by name. Without `tenant_id`: of the own tenant, else of `default`."""
    tenant = seen_tenant(principal, tenant_id) or DEFAULT_TENANT
    return PresetList(items=[_view(one) for one in await preset_store.presets(tenant, workflow_id)])


@router.put("", responses=responses(401, 403, 404, 409, 413, 422, 429, 503))
async def save_preset(body: NewPreset, preset_commands: PresetOrders, principal: Admin) -> PresetView:
    """Store a preset, or replace the one with its name. 409 when the workflow has 100 presets."""
    fields = body.model_dump(mode="json")
    key = PresetKey(body.tenant_id, fields["workflow_id"], body.name)
    names = ("robot_id", *(field.name for field in _OF_A_PRESET))
    return _view(await preset_commands.save(principal, key, json_text({name: fields[name] for name in names})))


@router.delete("", status_code=204, responses=responses(401, 403, 404, 422, 429, 503))
async def delete_preset(
    preset_commands: PresetOrders,
    principal: Admin,
    workflow_id: Name,
    name: Name,
    tenant_id: WantedId = None,
) -> None:
    """Delete a preset. Jobs that were submitted with it stay."""
    tenant = seen_tenant(principal, tenant_id) or DEFAULT_TENANT
    await preset_commands.delete(principal, PresetKey(tenant, workflow_id, name))


def _view(preset: Preset) -> PresetView:
    return PresetView(
        name=preset.key.name,
        workflow_id=preset.key.workflow_id,
        tenant_id=preset.key.tenant_id,
        job=PresetJob.model_validate(json.loads(preset.request)),
        changed_at=rfc3339(preset.changed_at),
        changed_by=preset.changed_by,
    )
