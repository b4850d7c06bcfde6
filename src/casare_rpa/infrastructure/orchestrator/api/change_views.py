"""The HTTP views of changes of jobs."""

from pydantic import BaseModel, Field

from casare_rpa.domain.instants import rfc3339
from casare_rpa.domain.job import Reason
from casare_rpa.domain.job_records import ShownChange
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.api.parameters import Measure
from casare_rpa.infrastructure.orchestrator.views.change_feed import ChangePage


class ChangeView(BaseModel):
    """A job as it was after a change. Parameters, result and error are in the job."""

    position: str = Field(description="The position after this change.")
    number: int = Field(description="The number of the change. The next change has the next number.")
    at: str
    job_id: str
    workflow_id: str
    tenant_id: str
    status: JobStatus
    reason: Reason | None
    attempt: int
    robot_id: str | None
    progress: Measure
    message: str | None
    contact: str | None = Field(description="`lost` while the robot of a claimed or running job is not connected.")
    cancel: str | None = Field(description="The stage of a requested cancel.")
    revision: int = Field(description="Rises with each write of the job, also with one that is not in the feed.")


class ChangeList(BaseModel):
    """A page of changes in order."""

    items: list[ChangeView]
    next: str = Field(description="The position after this page: store it, and send it as `since`.")
    more: bool = Field(description="Whether further changes can be read at once.")


def change_views(page: ChangePage) -> list[ChangeView]:
    return [_change_view(page, change) for change in page.changes]


def change_list(page: ChangePage) -> ChangeList:
    return ChangeList(items=change_views(page), next=page.sequence.position(page.next_number), more=page.more)


def _change_view(page: ChangePage, change: ShownChange) -> ChangeView:
    number, robot_id = page.number(change), change.visible_robot_id
    return ChangeView(
        position=page.sequence.position(number),
        number=number,
        at=rfc3339(change.at),
        job_id=change.job_id,
        workflow_id=change.workflow_id,
        tenant_id=change.tenant_id,
        status=change.status,
        reason=change.reason,
        attempt=change.attempt,
        robot_id=robot_id,
        progress=change.progress,
        message=change.message,
        contact="lost" if change.contact_lost and robot_id else None,
        cancel=change.cancel_stage,
        revision=change.revision,
    )
