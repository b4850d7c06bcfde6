"""/api/v1/workflows: workflows with at least one job, to run them again."""

import json
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from casare_rpa.domain.instants import rfc3339
from casare_rpa.infrastructure.orchestrator.api.dependencies import SCHEMES, Reader, StatisticsReading
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses

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
async def list_workflows(statistics_store: StatisticsReading, principal: Reader) -> WorkflowList:
    """Up to 200 workflows with at least one job, by name. Workflows without a job are known only to the robots."""
    items = [
        WorkflowView(
            workflow_id=job.workflow_id,
            last_submitted_at=rfc3339(job.submitted_at),
            last_parameters=json.loads(job.parameters),
            last_tags=list(job.tags),
            last_queue=job.queue,
        )
        for job in await statistics_store.last_jobs(principal.tenant_id, MOST)
    ]
    return WorkflowList(items=items)
