"""/api/v1/jobs/bulk: cancel or retry many jobs in one request, by their ids or by a filter."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.instants import rfc3339
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import JobFilter
from casare_rpa.domain.limits import MAX_REASON_LENGTH
from casare_rpa.domain.protocol import ID_PATTERN
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.api.dependencies import (
    SCHEMES,
    Admin,
    JobOrders,
    JobReading,
    RequestId,
    ServerClock,
)
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses
from casare_rpa.infrastructure.orchestrator.api.job_query import Wanted, filter_of, order_of
from casare_rpa.infrastructure.orchestrator.api.parameters import IdempotencyKey, WholeNumber
from casare_rpa.infrastructure.orchestrator.api.searches import Searching
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobReader

router = APIRouter(prefix="/api/v1/jobs/bulk", tags=["jobs"], dependencies=SCHEMES)

MOST = 1000
MOST_COUNTED = 1_000_000
OPEN = (JobStatus.PENDING, JobStatus.CLAIMED, JobStatus.RUNNING)


class BulkAction(StrEnum):
    CANCEL = "cancel"
    RETRY = "retry"


class BulkFilter(Wanted):
    """The filters of the list of jobs. An unknown filter is refused, as ignoring it would match more jobs."""

    model_config = ConfigDict(extra="forbid")


class BulkOfIds(BaseModel):
    """Jobs by id; duplicates count once."""

    model_config = ConfigDict(extra="forbid")

    action: BulkAction
    job_ids: list[Annotated[str, Field(pattern=ID_PATTERN)]] = Field(max_length=MOST)
    reason: str = Field("", max_length=MAX_REASON_LENGTH)


class BulkOfFilter(BaseModel):
    """Jobs by filter.

    A cancel applies to matching open jobs without a cancel request. A retry applies to matching failed jobs (or jobs of
    the filter's `status`) that have not been retried.
    """

    model_config = ConfigDict(extra="forbid")

    action: BulkAction
    filter: BulkFilter
    reason: str = Field("", max_length=MAX_REASON_LENGTH)
    dry_run: StrictBool = Field(False, description="Only count the jobs, in `matched`; `more`: over a million match.")
    limit: WholeNumber = Field(MOST, ge=1, le=MOST, description="The largest number of jobs that this request changes.")


class BulkDone(BaseModel):
    """The result of a bulk command. `refused` counts jobs in an unsuitable state.

    `more`: further jobs match; repeat the request. Send `at` as the filter's `to` when you repeat a retry, because a
    retried job that failed again matches, too.
    """

    matched: int
    done: int
    refused: int
    more: bool
    at: str


@router.post("", responses=responses(401, 403, 413, 422, 429, 503))
async def order_jobs(
    body: BulkOfIds | BulkOfFilter,
    job_commands: JobOrders,
    clock: ServerClock,
    job_store: JobReading,
    principal: Admin,
    request_id: RequestId,
    search: Searching,
    idempotency_key: IdempotencyKey = None,
) -> BulkDone:
    """Cancel or retry up to 1,000 jobs. With a filter, repeat it until `more` is false.

    By ids, a retry that is repeated with its Idempotency-Key adds no further job.
    """
    at = clock.now()
    if isinstance(body, BulkOfFilter) and body.dry_run:
        matched, more = await search(_counted, job_store, principal, body)
        return BulkDone(matched=matched, done=0, refused=0, more=more, at=rfc3339(at))
    found, more = await search(_chosen, job_store, principal, body)
    ordered = len(set(body.job_ids)) if isinstance(body, BulkOfIds) else len(found)
    if body.action is BulkAction.CANCEL:
        done = await job_commands.cancel_each(principal, found, ordered=ordered, reason=body.reason)
    else:
        # `once`: of two concurrent requests with the same filter, only one creates the retry of a job.
        done = await job_commands.retry_each(
            principal,
            found,
            ordered=ordered,
            once="retry-of" if isinstance(body, BulkOfFilter) else idempotency_key,
            reason=body.reason,
            request_id=request_id,
        )
    return BulkDone(matched=ordered, done=done, refused=ordered - done, more=more, at=rfc3339(at))


async def _chosen(
    job_store: JobReader, principal: Principal, body: BulkOfIds | BulkOfFilter
) -> tuple[Sequence[Job], bool]:
    """The jobs, and whether more match."""
    if isinstance(body, BulkOfIds):
        jobs = await asyncio.gather(*(job_store.job(job_id) for job_id in dict.fromkeys(body.job_ids)))
        return [job for job in jobs if job is not None and principal.sees(job.tenant_id)], False
    found: list[Job] = []
    for one in _takes(body, principal):
        found += await job_store.jobs(one, body.limit + 1, None, order_of(one, None))
    return found[: body.limit], len(found) > body.limit


async def _counted(job_store: JobReader, principal: Principal, body: BulkOfFilter) -> tuple[int, bool]:
    """The number of jobs that the command would change, and whether more match than are counted."""
    counts = [await job_store.count_jobs(one, MOST_COUNTED) for one in _takes(body, principal)]
    matched = sum(one.matching for one in counts)
    return matched, any(one.matching >= MOST_COUNTED for one in counts)


def _takes(body: BulkOfFilter, principal: Principal) -> list[JobFilter]:
    """The filters whose results together are the jobs of the command."""
    wanted = filter_of(body.filter, principal)
    if body.action is BulkAction.RETRY:
        return [replace(wanted, statuses=wanted.statuses or (JobStatus.FAILED,), to_retry=True)]
    open_ones = [status for status in OPEN if not wanted.statuses or status in wanted.statuses]
    return [replace(wanted, statuses=(status,), to_cancel=True) for status in open_ones]
