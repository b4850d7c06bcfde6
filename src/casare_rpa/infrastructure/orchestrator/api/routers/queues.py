"""/api/v1/queues: queues, their depth, and their pauses."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from casare_rpa.domain.instants import rfc3339
from casare_rpa.domain.job_request import DEFAULT_QUEUE
from casare_rpa.domain.permissions import require_all_tenants
from casare_rpa.domain.protocol import ID_PATTERN
from casare_rpa.domain.queues import ALL_QUEUES, PausedQueue, Queue
from casare_rpa.infrastructure.orchestrator.api.dependencies import (
    SCHEMES,
    Admin,
    AdminReading,
    QueueOrders,
    Reader,
    StatisticsReading,
)
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses
from casare_rpa.infrastructure.orchestrator.api.orders import Order, reason_of
from casare_rpa.infrastructure.orchestrator.api.parameters import Measure
from casare_rpa.infrastructure.orchestrator.api.periods import MINUTE_SECONDS, LastHour
from casare_rpa.infrastructure.orchestrator.api.searches import Searching
from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore

router = APIRouter(prefix="/api/v1/queues", tags=["queues"], dependencies=SCHEMES)

QueueName = Annotated[str, Path(pattern=rf"{ID_PATTERN}|^\*$", description="A queue, or `*` for all of them.")]


class NewQueue(BaseModel):
    queue: str = Field(pattern=ID_PATTERN)


class Pause(BaseModel):
    at: str
    by: str
    reason: str


class QueueView(BaseModel):
    """`pending` is the number of waiting jobs; `paused` is null unless the queue is paused."""

    queue: str
    pending: int
    paused: Pause | None
    created_at: str | None
    created_by: str | None


class DepthPoint(BaseModel):
    """`oldest_wait_seconds` is the wait of the first job; null if no job waited."""

    at: str
    pending: int
    oldest_wait_seconds: Measure | None


class QueueDepths(BaseModel):
    queue: str
    points: list[DepthPoint]


class QueueHistory(BaseModel):
    bucket_seconds: int
    queues: list[QueueDepths]


class QueueList(BaseModel):
    """`all_paused` is set while every queue is paused at once."""

    items: list[QueueView]
    all_paused: Pause | None


def _pause(paused: PausedQueue | None) -> Pause | None:
    return None if paused is None else Pause(at=rfc3339(paused.paused_at), by=paused.paused_by, reason=paused.reason)


async def _list(admin_store: AdminStore, tenant_id: str | None) -> QueueList:
    paused = {one.queue: one for one in await admin_store.paused_queues()}
    depths = await admin_store.queue_depths(tenant_id)
    made: dict[str, Queue | None] = {
        DEFAULT_QUEUE: None,
        **{queue.queue: queue for queue in await admin_store.queues()},
    }
    items = [
        QueueView(
            queue=name,
            pending=depths.get(name, 0),
            paused=_pause(paused.get(name)),
            created_at=rfc3339(queue.created_at) if queue else None,
            created_by=queue.created_by if queue else None,
        )
        for name, queue in made.items()
    ]
    return QueueList(items=items, all_paused=_pause(paused.get(ALL_QUEUES)))


@router.get("", responses=responses(401, 403, 503))
async def list_queues(admin_store: AdminReading, principal: Reader) -> QueueList:
    """All queues; `default` always exists."""
    return await _list(admin_store, principal.tenant_id)


@router.get("/history", responses=responses(401, 403, 422, 429, 503))
async def queue_history(
    statistics_store: StatisticsReading,
    principal: Reader,
    search: Searching,
    period: LastHour,
) -> QueueHistory:
    """The depth of each queue in the last `minutes` or between `from` and `to`, oldest first.

    A sample is taken every minute and kept for 8 days. With more than 60 samples, a point has the largest values of
    `bucket_seconds`.
    """
    require_all_tenants(principal, "queue depths")
    queues: dict[str, list[DepthPoint]] = {}
    step = period.step_minutes
    for one in await search(statistics_store.queue_samples, period.since, period.until, step):
        point = DepthPoint(at=rfc3339(one.at), pending=one.pending, oldest_wait_seconds=one.oldest_wait_seconds)
        queues.setdefault(one.queue, []).append(point)
    items = [QueueDepths(queue=name, points=points) for name, points in sorted(queues.items())]
    return QueueHistory(bucket_seconds=step * MINUTE_SECONDS, queues=items)


@router.post("", status_code=201, responses=responses(401, 403, 409, 413, 422, 503))
async def create_queue(body: NewQueue, queue_commands: QueueOrders, principal: Admin) -> QueueView:
    """Create a queue. 409 if it exists."""
    queue = await queue_commands.create(principal, body.queue)
    created = rfc3339(queue.created_at)
    return QueueView(queue=queue.queue, pending=0, paused=None, created_at=created, created_by=queue.created_by)


@router.post("/{queue}/pause", responses=responses(401, 403, 404, 413, 422, 503))
async def pause_queue(
    queue: QueueName,
    queue_commands: QueueOrders,
    admin_store: AdminReading,
    principal: Admin,
    body: Order | None = None,
) -> QueueList:
    """Assign no jobs of a queue until it is resumed; running jobs continue. A second pause changes nothing."""
    await queue_commands.pause(principal, queue, reason_of(body))
    return await _list(admin_store, None)


@router.post("/{queue}/resume", responses=responses(401, 403, 404, 413, 422, 503))
async def resume_queue(
    queue: QueueName,
    queue_commands: QueueOrders,
    admin_store: AdminReading,
    principal: Admin,
    body: Order | None = None,
) -> QueueList:
    """Resume a queue; `*` resumes all."""
    await queue_commands.resume(principal, queue, reason_of(body))
    return await _list(admin_store, None)
