"""The filters of a list of jobs, as query parameters or in a body."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel, BeforeValidator, Field

from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.fields import PLAIN_TEXT_PATTERN
from casare_rpa.domain.instants import Instant, from_datetime
from casare_rpa.domain.job import Reason
from casare_rpa.domain.job_records import JobFilter, JobOrder
from casare_rpa.domain.limits import MAX_ID_LENGTH
from casare_rpa.domain.protocol import ID_PATTERN
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.api.dependencies import Reader, seen_tenant
from casare_rpa.infrastructure.orchestrator.api.parameters import Moment

Named = Annotated[str | None, Field(min_length=1, max_length=MAX_ID_LENGTH, pattern=PLAIN_TEXT_PATTERN)]
Id = Annotated[str | None, Field(pattern=ID_PATTERN)]


def _several(value: object) -> object:
    """A single value as a list."""
    return [value] if isinstance(value, str) else value


# The limit belongs to the list: with a validator before it, pydantic applies a limit of the whole to null, too.
Statuses = Annotated[
    Annotated[list[JobStatus], Field(max_length=len(JobStatus))] | None,
    BeforeValidator(_several),
]
Reasons = Annotated[
    Annotated[list[Reason], Field(max_length=len(Reason))] | None,
    BeforeValidator(_several),
]


class Wanted(BaseModel):
    """All given filters must match; null matches any value. `q` is a prefix of the workflow or of the job id.

    A list matches any of its values. `from` and `to` limit the submit, `finished_from` and `finished_to` the end.
    """

    status: Statuses = None
    reason: Reasons = None
    robot_id: Id = None
    workflow_id: Named = None
    queue: Id = None
    tenant_id: Id = None
    fingerprint: Id = None
    q: Named = None
    since: Annotated[Moment | None, Field(alias="from")] = None
    until: Annotated[Moment | None, Field(alias="to")] = None
    finished_from: Moment | None = None
    finished_to: Moment | None = None


class JobCountView(BaseModel):
    """`capped`: `matching` or `total` exceeds 10,000, where counting stops."""

    matching: int
    total: int
    capped: bool


def filter_of(wanted: Wanted, principal: Principal) -> JobFilter:
    """The filter of the store. Raises AuthError (403) for a tenant that the principal may not see."""
    return JobFilter(
        tenant_id=seen_tenant(principal, wanted.tenant_id),
        statuses=tuple(wanted.status or ()),
        robot_id=wanted.robot_id,
        workflow_id=wanted.workflow_id,
        queue=wanted.queue,
        reasons=tuple(wanted.reason or ()),
        fingerprint=wanted.fingerprint,
        prefix=wanted.q,
        since=_instant(wanted.since),
        until=_instant(wanted.until),
        ended_since=_instant(wanted.finished_from),
        ended_until=_instant(wanted.finished_to),
    )


def _instant(moment: datetime | None) -> Instant | None:
    return from_datetime(moment) if moment is not None else None


def order_of(wanted: JobFilter, sort: JobOrder | None) -> JobOrder:
    """The order of a list: by default newest first, by the end if the filter limits the end.

    Raises:
        ProtocolError: a filter by the end and an order by the submit, which would have to sort all matching jobs.
    """
    ends = wanted.ended_since is not None or wanted.ended_until is not None
    if sort is None:
        return JobOrder.LAST_ENDED if ends else JobOrder.NEWEST
    if ends and not sort.by_end:
        sentence = "with finished_from or finished_to, only finished and -finished are possible"
        raise ProtocolError(sentence, field="sort")
    return sort


async def _of_address(principal: Reader, wanted: Annotated[Wanted, Query()]) -> JobFilter:
    return filter_of(wanted, principal)


WantedJobs = Annotated[JobFilter, Depends(_of_address)]
Sort = Annotated[
    JobOrder | None,
    Query(description="The time to sort by; a minus means newest first. By the end, only ended jobs are listed."),
]
