"""/api/v1/jobs: submit, list, read, cancel and retry jobs."""

import json
from collections.abc import AsyncIterator

from fastapi import APIRouter, Response
from starlette.responses import StreamingResponse

from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.errors import AuthError, NotFound
from casare_rpa.domain.job import Job
from casare_rpa.domain.logs import StoredLine
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.api.cursors import cursor_of, job_position, number_position
from casare_rpa.infrastructure.orchestrator.api.dependencies import (
    SCHEMES,
    Admin,
    Anyone,
    JobOrders,
    JobReading,
    LogReading,
    Reasons,
    RequestId,
    StepReading,
)
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses
from casare_rpa.infrastructure.orchestrator.api.job_csv import csv_of_jobs, in_turns
from casare_rpa.infrastructure.orchestrator.api.job_query import JobCountView, Sort, WantedJobs, order_of
from casare_rpa.infrastructure.orchestrator.api.job_views import (
    EventList,
    JobItems,
    JobList,
    JobView,
    LogList,
    StepList,
    event_view,
    explained_view,
    job_view,
    jobs_json,
    log_text,
    log_view,
    step_view,
)
from casare_rpa.infrastructure.orchestrator.api.long_lists import list_response
from casare_rpa.infrastructure.orchestrator.api.new_jobs import NewJob, NewJobs, submission_of
from casare_rpa.infrastructure.orchestrator.api.orders import Order, reason_of
from casare_rpa.infrastructure.orchestrator.api.parameters import (
    AttemptNumber,
    Cursor,
    IdempotencyKey,
    JobId,
    Limit,
    Revision,
)
from casare_rpa.infrastructure.orchestrator.api.searches import Searching
from casare_rpa.infrastructure.orchestrator.api.submit_route import SubmitRoute
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobReader
from casare_rpa.infrastructure.orchestrator.ports.logs import LogStore

LOG_PAGE = 2000

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"], dependencies=SCHEMES)
submits = APIRouter(prefix="/api/v1/jobs", tags=["jobs"], dependencies=SCHEMES, route_class=SubmitRoute)


def _seen_by(principal: Principal, job: Job | None, job_id: str) -> Job:
    """The job, if the principal may see it: a robot sees the jobs that were assigned to it."""
    if job is None or not principal.sees(job.tenant_id):
        raise NotFound(f"there is no job {job_id!r}", field="job_id")
    if principal.role is Role.ROBOT and principal.robot_id not in (job.robot_id, *job.former_robots):
        raise AuthError("a robot key reads its own jobs only", CloseCode.FORBIDDEN)
    return job


async def _job(job_store: JobReader, principal: Principal, job_id: str) -> Job:
    return _seen_by(principal, await job_store.job(job_id), job_id)


@submits.post("", status_code=201, responses=responses(401, 403, 404, 409, 413, 422, 503))
async def submit_job(
    body: NewJob,
    job_commands: JobOrders,
    principal: Admin,
    request_id: RequestId,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> JobView:
    """Submit a job; it is durable when the response is sent. A repeated Idempotency-Key returns the first job."""
    added = await job_commands.submit(principal, submission_of(body, idempotency_key), request_id)
    response.headers["Location"] = f"/api/v1/jobs/{added.job.job_id}"
    return job_view(added.job)


@submits.post("/batch", status_code=201, responses=responses(401, 403, 404, 409, 413, 422, 503))
async def submit_jobs(
    body: NewJobs,
    job_commands: JobOrders,
    principal: Admin,
    request_id: RequestId,
    idempotency_key: IdempotencyKey = None,
) -> JobItems:
    """Submit up to 1,000 jobs: all of them, or none when one is refused. The response keeps their order.

    An Idempotency-Key covers the whole batch.
    """
    submissions = [submission_of(new, idempotency_key) for new in body.jobs]
    added = await job_commands.submit_all(principal, submissions, request_id)
    return JobItems(items=[job_view(one.job) for one in added])


@router.get("", response_model=JobList, responses=responses(401, 403, 422, 429, 503))
async def list_jobs(
    job_store: JobReading,
    wanted: WantedJobs,
    search: Searching,
    limit: Limit = 50,
    cursor: Cursor = None,
    sort: Sort = None,
) -> Response:
    """Jobs, newest first unless `sort` says otherwise. `next_cursor` is null on the last page."""
    order = order_of(wanted, sort)
    jobs = await search(job_store.jobs, wanted, limit + 1, job_position(cursor), order)
    more = len(jobs) > limit
    cursor_after = cursor_of(*order.position(jobs[limit - 1])) if more else None
    text = b'{"items":%b,"next_cursor":%b}' % (jobs_json(jobs[:limit]), json.dumps(cursor_after).encode())
    return Response(text, media_type="application/json")


@router.get("/export", responses={200: {"content": {"text/csv": {}}}, **responses(401, 403, 422, 429, 503)})
async def export_jobs(
    job_store: JobReading, wanted: WantedJobs, search: Searching, sort: Sort = None
) -> StreamingResponse:
    """All matching jobs as CSV, in the order of the list. The file is sent while it is read."""
    rows = csv_of_jobs(job_store, wanted, order_of(wanted, sort))
    first = await search(anext, rows)  # a refused search is an error response, not a broken file
    headers = {"Content-Disposition": 'attachment; filename="jobs.csv"'}
    return StreamingResponse(in_turns(first, rows, search.turn), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/count", responses=responses(401, 403, 422, 429, 503))
async def count_jobs(job_store: JobReading, wanted: WantedJobs, search: Searching) -> JobCountView:
    """The number of matching jobs and of all jobs, each counted up to 10,000."""
    counted = await search(job_store.count_jobs, wanted)
    return JobCountView(matching=counted.matching, total=counted.total, capped=counted.capped)


@router.get("/{job_id}", responses=responses(401, 403, 404, 422, 503))
async def get_job(job_id: JobId, pending_reasons: Reasons, job_store: JobReading, principal: Anyone) -> JobView:
    """One job. A pending job includes the reasons why it waits."""
    job = await _job(job_store, principal, job_id)
    return explained_view(job, await pending_reasons.explain(job))


@router.post("/{job_id}/cancel", responses=responses(401, 403, 404, 409, 413, 422, 503))
async def cancel_job(job_id: JobId, job_commands: JobOrders, principal: Admin, body: Order | None = None) -> JobView:
    """Cancel a job: a waiting job ends at once, a running one when its robot confirms. 409 if it has ended."""
    return job_view(await job_commands.cancel(principal, job_id, reason_of(body)))


@router.post("/{job_id}/retry", status_code=201, responses=responses(401, 403, 404, 409, 422, 503))
async def retry_job(
    job_id: JobId,
    job_commands: JobOrders,
    principal: Admin,
    request_id: RequestId,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> JobView:
    """Submit a copy of a job as a new job. The old job does not change. 409 if it has not ended."""
    added = await job_commands.retry(principal, job_id, idempotency_key, request_id)
    response.headers["Location"] = f"/api/v1/jobs/{added.job.job_id}"
    return job_view(added.job)


@router.get("/{job_id}/logs", responses=responses(401, 403, 404, 422, 503))
async def get_logs(
    job_id: JobId,
    log_store: LogReading,
    job_store: JobReading,
    principal: Anyone,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> LogList:
    """Log lines of the job, oldest first. `next_cursor` also continues with lines that are stored later."""
    job = await _job(job_store, principal, job_id)
    after_id = number_position(cursor)
    stored = await log_store.job_logs(job_id, limit, after_id)
    own = _own(job, stored)
    last = stored[-1].log_id if stored else after_id
    return LogList(items=[log_view(line) for line in own], next_cursor=str(last) if last else None)


@router.get(
    "/{job_id}/logs/download", responses={200: {"content": {"text/plain": {}}}, **responses(401, 403, 404, 422, 503)}
)
async def download_logs(
    job_id: JobId, job_store: JobReading, log_store: LogReading, principal: Anyone
) -> StreamingResponse:
    """All log lines of the job as a text file, oldest first."""
    job = await _job(job_store, principal, job_id)
    headers = {"Content-Disposition": f'attachment; filename="{job_id}.log"'}
    return StreamingResponse(_text_of_log(log_store, job), media_type="text/plain; charset=utf-8", headers=headers)


async def _text_of_log(log_store: LogStore, job: Job) -> AsyncIterator[str]:
    after_id = 0
    while stored := await log_store.job_logs(job.job_id, LOG_PAGE, after_id):
        after_id = stored[-1].log_id
        yield "".join(log_text(line) for line in _own(job, stored))


def _own(job: Job, stored: list[StoredLine]) -> list[StoredLine]:
    """The lines of robots that had the job. Other lines are left out, because a robot can send any job id."""
    robots = {job.robot_id, *job.former_robots}
    return [line for line in stored if line.line.tenant_id == job.tenant_id and line.line.robot_id in robots]


@router.get("/{job_id}/events", responses=responses(401, 403, 404, 422, 503))
async def get_events(
    job_id: JobId, job_store: JobReading, principal: Anyone, limit: Limit = 500, cursor: Cursor = None
) -> EventList:
    """The history of the job, oldest first: transition, time, principal, session and reason of each entry."""
    await _job(job_store, principal, job_id)
    entries = await job_store.job_history(job_id, limit, number_position(cursor))
    last = str(entries[-1].event_id) if len(entries) == limit else None
    return EventList(items=[event_view(entry) for entry in entries], next_cursor=last)


@router.get("/{job_id}/steps", response_model=StepList, responses=responses(401, 403, 404, 422, 503))
async def get_steps(
    job_id: JobId,
    job_store: JobReading,
    step_store: StepReading,
    principal: Anyone,
    attempt: AttemptNumber = None,
    after: Revision = 0,
) -> Response:
    """The steps of an attempt that its robot reported, by id: at most 10,000. Without `attempt`: the current one.

    With `after`, a `revision` of an earlier response: only the steps that changed since.
    """
    job = await _job(job_store, principal, job_id)
    wanted = job.attempt if attempt is None else attempt
    page = await step_store.steps(job_id, wanted, after)
    return await list_response(page.steps, step_view, attempt=wanted, total=page.total, revision=page.revision)
