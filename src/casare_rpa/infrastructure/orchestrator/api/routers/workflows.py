"""/api/v1/workflows: workflows with at least one job, to run them again."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from casare_rpa.infrastructure.orchestrator.api.dependencies import SCHEMES, Admin, Plane
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses
from casare_rpa.infrastructure.orchestrator.api.job_views import job_view

router = APIRouter(prefix="/api/v1/workflows", tags=["jobs"], dependencies=SCHEMES)

MOST = 200


class WorkflowView(BaseModel):
    """A workflow, with the parameters, tags and queue of its newest job."""

    workflow_id: str
    last_submitted_at: str
    last_parameters: dict[str, Any]
    last_tags: list[str]
    last_queue: str


class WorkflowList(BaseModel):
    items: list[WorkflowView]


@router.get("", responses=responses(401, 403, 503))
async def list_workflows(plane: Plane, who: Admin) -> WorkflowList:
    """Up to 200 workflows with at least one job, by name. Workflows without a job are known only to the robots."""
    last = [job_view(job) for job in await plane.store.last_jobs(who.tenant_id, MOST)]
    items = [
        WorkflowView(
            workflow_id=job.workflow_id,
            last_submitted_at=job.created_at,
            last_parameters=job.parameters,
            last_tags=job.tags,
            last_queue=job.queue,
        )
        for job in last
    ]
    return WorkflowList(items=items)
