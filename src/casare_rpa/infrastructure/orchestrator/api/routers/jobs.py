"""/api/v1/jobs: submit, list, look at, cancel."""

import base64
import binascii
import json
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, Field, field_validator

from casare_rpa.domain import codec
from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.errors import AuthError, NotFound, ProtocolError
from casare_rpa.domain.instants import Instant, from_datetime
from casare_rpa.domain.job import DEFAULT_PRIORITY, DEFAULT_QUEUE, DEFAULT_TIMEOUT_SECONDS, MAX_PRIORITY, Job
from casare_rpa.domain.protocol import ID_PATTERN, CloseCode, JobStatus
from casare_rpa.infrastructure.orchestrator.api.dependencies import PLAIN_TEXT, SCHEMES, Admin, Anyone, Plane
from casare_rpa.infrastructure.orchestrator.api.errors import responses
from casare_rpa.infrastructure.orchestrator.api.job_views import (
    EventList,
    JobList,
    JobView,
    LogList,
    event_view,
    explained_view,
    job_view,
    log_view,
)
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.dispatcher import NewSubmission
from casare_rpa.infrastructure.orchestrator.ports import JobFilter

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"], dependencies=SCHEMES)

MAX_PARAMETERS_BYTES = 256 * 1024
MAX_TIMEOUT_SECONDS = 7 * 24 * 3600
Tag = Annotated[str, Field(pattern=ID_PATTERN)]
Limit = Annotated[int, Query(ge=1, le=500)]


class NewJob(BaseModel):
    """What to run, and for whom."""

    workflow_id: str = Field(min_length=1, max_length=128, pattern=PLAIN_TEXT)
    parameters: dict[str, Any] = Field(default_factory=dict, description="At most 256 KiB of JSON.")
    priority: int = Field(DEFAULT_PRIORITY, ge=0, le=MAX_PRIORITY, description="Higher first; a step is ten minutes.")
    timeout_seconds: int = Field(DEFAULT_TIMEOUT_SECONDS, ge=1, le=MAX_TIMEOUT_SECONDS)
    robot_id: str | None = Field(None, pattern=ID_PATTERN, description="Only this robot.")
    tags: list[Tag] = Field(default_factory=list, max_length=64, description="Tags that the robot must have.")
    tenant_id: str = Field("default", pattern=ID_PATTERN)
    max_attempts: int = Field(1, ge=1, le=100, description="How often it may be started; 1 is at most once.")
    not_before: datetime | None = Field(None, description="Not before this moment.")
    queue: str = Field(DEFAULT_QUEUE, pattern=ID_PATTERN, description="The queue that it waits in.")
    queue_ttl_seconds: int | None = Field(
        None, ge=1, le=MAX_TIMEOUT_SECONDS, description="How long it may wait before it fails as `expired`."
    )

    @field_validator("parameters")
    @classmethod
    def _plain_json(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            text = codec.repair(json.dumps(value, allow_nan=False))
            codec.check_depth(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"not plain JSON: {error}") from None
        except ProtocolError:
            raise ValueError(f"nested deeper than {codec.MAX_DEPTH} levels") from None
        plain: dict[str, Any] = json.loads(text)
        if len(json_text(plain).encode()) > MAX_PARAMETERS_BYTES:
            raise ValueError(f"over {MAX_PARAMETERS_BYTES} bytes; store the data elsewhere and name it here")
        return plain

    @field_validator("not_before")
    @classmethod
    def _representable(cls, value: datetime | None) -> datetime | None:
        if value is not None and not 1970 <= value.year < 9999:
            raise ValueError("a year from 1970 to 9998")
        return value


class CancelRequest(BaseModel):
    reason: str | None = Field(None, max_length=1024, pattern=r"^[^\x00]*$")


def json_text(value: dict[str, Any]) -> str:
    """Compact JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _seen_by(who: Principal, job: Job | None, job_id: str) -> Job:
    """The job, if it is there for this principal: a robot sees those that it was given."""
    if job is None or not who.sees(job.tenant_id):
        raise NotFound(f"job_id: there is no job {job_id!r}")
    if who.role is Role.ROBOT and who.robot_id not in (job.robot_id, *job.former_robots):
        raise AuthError("a robot key reads its own jobs only", CloseCode.FORBIDDEN)
    return job


async def _job(plane: ControlPlane, who: Principal, job_id: str) -> Job:
    return _seen_by(who, await plane.store.job(job_id), job_id)


@router.post("", status_code=201, responses=responses(401, 403, 404, 409, 413, 422, 503))
async def submit_job(
    body: NewJob,
    plane: Plane,
    who: Admin,
    response: Response,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=256)] = None,
) -> JobView:
    """Submit a job; it is durable when this answers. A repeated Idempotency-Key answers the first job."""
    added = await plane.dispatcher.submit(
        NewSubmission(
            workflow_id=body.workflow_id,
            tenant_id=body.tenant_id,
            by=who.name,
            parameters=json_text(body.parameters),
            priority=body.priority,
            timeout_seconds=body.timeout_seconds,
            target_robot_id=body.robot_id,
            tags=tuple(body.tags),
            max_attempts=body.max_attempts,
            not_before=from_datetime(body.not_before) if body.not_before else None,
            queue=body.queue,
            queue_ttl_seconds=body.queue_ttl_seconds,
            idempotency_key=idempotency_key,
        )
    )
    if added.created:
        plane.metrics.jobs_submitted.inc()
    response.headers["Location"] = f"/api/v1/jobs/{added.job.job_id}"
    return job_view(added.job)


@router.get("", responses=responses(401, 403, 422))
async def list_jobs(
    plane: Plane,
    who: Admin,
    status: JobStatus | None = None,
    robot_id: str | None = None,
    workflow_id: str | None = None,
    queue: str | None = None,
    tenant_id: str | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> JobList:
    """Jobs, newest first; `next_cursor` leads to the next page, and is null on the last."""
    wanted = JobFilter(tenant_id or who.tenant_id, status, robot_id, workflow_id, queue)
    jobs = await plane.store.jobs(wanted, limit + 1, _position(cursor))
    more = len(jobs) > limit
    last = jobs[limit - 1] if more else None
    return JobList(
        items=[job_view(job) for job in jobs[:limit]],
        next_cursor=_cursor(last.submitted_at, last.job_id) if last else None,
    )


@router.get("/{job_id}", responses=responses(401, 403, 404))
async def get_job(job_id: str, plane: Plane, who: Anyone) -> JobView:
    """One job as it is now; a pending one says why it waits."""
    job = await _job(plane, who, job_id)
    return explained_view(job, await plane.waiting.explain(job))


@router.post("/{job_id}/cancel", responses=responses(401, 403, 404, 409, 422, 503))
async def cancel_job(job_id: str, plane: Plane, who: Admin, body: CancelRequest | None = None) -> JobView:
    """Cancel a job: at once while it waits; a running one ends when its robot confirms. 409 when it has ended."""
    reason = body.reason if body is not None and body.reason else "cancelled by an admin"
    job = await plane.dispatcher.cancel(job_id, reason, who.name)
    await plane.store.record(plane.clock.now(), who.name, "cancel_job", job_id, reason)
    return job_view(job)


@router.get("/{job_id}/logs", responses=responses(401, 403, 404, 422))
async def get_logs(job_id: str, plane: Plane, who: Anyone, limit: Limit = 100, cursor: str | None = None) -> LogList:
    """The job's log lines, oldest first. `next_cursor` is where to go on, also for lines still to come."""
    job = await _job(plane, who, job_id)
    after_id = _log_position(cursor)
    stored = await plane.store.job_logs(job_id, limit, after_id)
    # A robot may write any job's id on its lines; those of robots that never had the job are not the job's.
    robots = {job.robot_id, *job.former_robots}
    own = [line for line in stored if line.line.tenant_id == job.tenant_id and line.line.robot_id in robots]
    last = stored[-1].log_id if stored else after_id
    return LogList(items=[log_view(line) for line in own], next_cursor=str(last) if last else None)


@router.get("/{job_id}/events", responses=responses(401, 403, 404))
async def get_events(job_id: str, plane: Plane, who: Anyone) -> EventList:
    """The job's history: what, when, by whom, over which session, why."""
    await _job(plane, who, job_id)
    return EventList(items=[event_view(entry) for entry in await plane.store.job_history(job_id)])


def _cursor(submitted_at: Instant, job_id: str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([submitted_at, job_id])).decode()


def _position(cursor: str | None) -> tuple[Instant, str] | None:
    if cursor is None:
        return None
    try:
        at, job_id = msgspec.json.decode(base64.urlsafe_b64decode(cursor), type=tuple[int, str])
    except (msgspec.DecodeError, binascii.Error, ValueError):
        raise ProtocolError("cursor: not one that this list gave") from None
    if not 0 <= at < 2**63:
        raise ProtocolError("cursor: not one that this list gave")
    return Instant(at), job_id


def _log_position(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise ProtocolError("cursor: not one that this list gave")
    return int(cursor)
