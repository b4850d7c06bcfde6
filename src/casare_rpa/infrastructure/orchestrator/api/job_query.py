"""The filters of a list of jobs, as query parameters or in a body."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.fields import PLAIN_TEXT_PATTERN
from casare_rpa.domain.instants import from_datetime
from casare_rpa.domain.job import Reason
from casare_rpa.domain.job_records import JobFilter
from casare_rpa.domain.limits import MAX_ID_LENGTH
from casare_rpa.domain.protocol import ID_PATTERN
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.api.dependencies import Admin, seen_tenant
from casare_rpa.infrastructure.orchestrator.api.parameters import Moment

Named = Annotated[str | None, Field(min_length=1, max_length=MAX_ID_LENGTH, pattern=PLAIN_TEXT_PATTERN)]
Id = Annotated[str | None, Field(pattern=ID_PATTERN)]


class Wanted(BaseModel):
    """All given filters must match; null matches any value. `q` is a prefix of the workflow or of the job id."""

    status: JobStatus | None = None
    reason: Reason | None = None
    robot_id: Id = None
    workflow_id: Named = None
    queue: Id = None
    tenant_id: Id = None
    fingerprint: Id = None
    q: Named = None
    since: Annotated[Moment | None, Field(alias="from")] = None
    until: Annotated[Moment | None, Field(alias="to")] = None


class JobCountView(BaseModel):
    """`capped`: `matching` or `total` exceeds 10,000, where counting stops."""

    matching: int
    total: int
    capped: bool


def filter_of(wanted: Wanted, who: Principal) -> JobFilter:
    """The filter of the store. Raises AuthError (403) for a tenant that the principal may not see."""
    return JobFilter(
        tenant_id=seen_tenant(who, wanted.tenant_id),
        status=wanted.status,
        robot_id=wanted.robot_id,
        workflow_id=wanted.workflow_id,
        queue=wanted.queue,
        reason=wanted.reason,
        fingerprint=wanted.fingerprint,
        prefix=wanted.q,
        since=from_datetime(wanted.since) if wanted.since is not None else None,
        until=from_datetime(wanted.until) if wanted.until is not None else None,
    )


async def _of_address(who: Admin, wanted: Annotated[Wanted, Query()]) -> JobFilter:
    return filter_of(wanted, who)


WantedJobs = Annotated[JobFilter, Depends(_of_address)]
