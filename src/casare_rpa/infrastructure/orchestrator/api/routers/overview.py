"""/api/v1/overview: counts of robots and jobs, and problems."""

from collections import Counter

from fastapi import APIRouter
from pydantic import BaseModel

from casare_rpa import __version__
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant, rfc3339
from casare_rpa.domain.robots import ShownRobotState, state_of
from casare_rpa.domain.statistics import Ended
from casare_rpa.infrastructure.orchestrator.api.dependencies import (
    SCHEMES,
    Attention,
    LiveFleet,
    Reader,
    ServerClock,
    StatisticsReading,
)
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses
from casare_rpa.infrastructure.orchestrator.api.periods import MINUTE_SECONDS, LastHour, Period
from casare_rpa.infrastructure.orchestrator.api.searches import Searching
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.views.attention import Trouble

router = APIRouter(prefix="/api/v1", tags=["overview"], dependencies=SCHEMES)

MICROSECONDS_PER_MINUTE = MINUTE_SECONDS * MICROSECONDS_PER_SECOND


class FleetCounts(BaseModel):
    """All robots by state, as the list of robots shows them. A draining robot is only in `draining`."""

    idle: int
    busy: int
    offline: int
    draining: int


class QueueCounts(BaseModel):
    pending: int
    claimed: int
    running: int
    completed_24h: int
    failed_24h: int


class OldestPending(BaseModel):
    job_id: str
    created_at: str


class ThroughputPoint(BaseModel):
    at: str
    completed: int
    failed: int


class EndedJobs(BaseModel):
    """Jobs that ended from `finished_from` and before `finished_to`, which is null for a range up to now.

    Cancelled jobs are not counted.
    """

    finished_from: str
    finished_to: str | None
    completed: int
    failed: int


class Throughput(BaseModel):
    """Ended jobs, oldest first. A point covers `bucket_seconds` from `at`; jobs outside of the range are left out."""

    bucket_seconds: int
    points: list[ThroughputPoint]


class AttentionView(BaseModel):
    """A problem that needs attention. `kind` decides whether `target` is a job, a robot or a queue."""

    kind: Trouble
    message: str
    target: str
    at: str


class OverviewView(BaseModel):
    at: str
    server_version: str
    robots: FleetCounts
    queue: QueueCounts
    oldest_pending: OldestPending | None
    ended: EndedJobs
    throughput: Throughput
    attention: list[AttentionView]


@router.get("/overview", responses=responses(401, 403, 422, 429, 503))
async def overview(
    statistics_store: StatisticsReading,
    clock: ServerClock,
    attention: Attention,
    fleet: LiveFleet,
    principal: Reader,
    search: Searching,
    period: LastHour,
) -> OverviewView:
    """Robots and jobs by status, jobs ended in the last `minutes` or between `from` and `to`, and problems.

    The most urgent problem is the first. Jobs are counted by whole minutes; these counts are kept for 8 days.
    """
    now, tenant_id = clock.now(), principal.tenant_id
    counts = await statistics_store.counts(tenant_id, now)
    oldest = await search(statistics_store.oldest_pending, tenant_id)
    ended = await search(statistics_store.ended, tenant_id, period.since, period.until, period.step_minutes)
    return OverviewView(
        at=rfc3339(now),
        server_version=__version__,
        robots=_fleet(fleet, tenant_id),
        queue=QueueCounts(
            pending=counts.pending,
            claimed=counts.claimed,
            running=counts.running,
            completed_24h=counts.completed_24h,
            failed_24h=counts.failed_24h,
        ),
        oldest_pending=None
        if oldest is None
        else OldestPending(job_id=oldest.job_id, created_at=rfc3339(oldest.submitted_at)),
        ended=EndedJobs(
            finished_from=rfc3339(period.since),
            finished_to=None if period.until is None else rfc3339(period.until),
            completed=sum(one.completed for one in ended),
            failed=sum(one.failed for one in ended),
        ),
        throughput=Throughput(bucket_seconds=period.step_minutes * MINUTE_SECONDS, points=_points(ended, period)),
        attention=[
            AttentionView(kind=one.kind, message=one.message, target=one.target, at=rfc3339(one.at))
            for one in await search(attention.attention, tenant_id)
        ],
    )


def _fleet(fleet: Fleet, tenant_id: str | None) -> FleetCounts:
    robots = fleet.robots_of(tenant_id)
    counts = Counter(state_of(live.status, draining=live.robot.draining_at is not None) for live in robots)
    return FleetCounts(**{state.value: counts[state] for state in ShownRobotState})


def _points(ended: list[Ended], period: Period) -> list[ThroughputPoint]:
    """A point for each step of the period up to now, also for those without an end."""
    counts = {one.minute: one for one in ended}
    points = []
    for minute in period.point_starts:
        found = counts.get(minute, Ended(minute, 0, 0))
        at = rfc3339(Instant(minute * MICROSECONDS_PER_MINUTE))
        points.append(ThroughputPoint(at=at, completed=found.completed, failed=found.failed))
    return points
