"""/api/v1/overview and /api/v1/failures: counts of robots and jobs, and groups of failures."""

from collections import Counter

from fastapi import APIRouter
from pydantic import BaseModel

from casare_rpa.domain.failures import error_of, sentence
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant, rfc3339
from casare_rpa.domain.job import Reason
from casare_rpa.domain.robots import ShownRobotState, state_of
from casare_rpa.domain.statistics import Ended
from casare_rpa.infrastructure.orchestrator.api.dependencies import (
    SCHEMES,
    Admin,
    Attention,
    LiveFleet,
    ServerClock,
    StatisticsReading,
)
from casare_rpa.infrastructure.orchestrator.api.error_responses import responses
from casare_rpa.infrastructure.orchestrator.api.periods import MINUTE_SECONDS, LastDay, LastHour, Period
from casare_rpa.infrastructure.orchestrator.api.searches import Searching
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.views.attention import Trouble

router = APIRouter(prefix="/api/v1", tags=["overview"], dependencies=SCHEMES)

MOST_GROUPS = 50
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
    robots: FleetCounts
    queue: QueueCounts
    oldest_pending: OldestPending | None
    ended: EndedJobs
    throughput: Throughput
    attention: list[AttentionView]


class FailureGroupView(BaseModel):
    """Failures with the same fingerprint. `reason`, `error_type` and `message` are from the newest failure."""

    fingerprint: str
    workflow_id: str
    reason: Reason | None
    error_type: str | None
    message: str
    count: int
    first_at: str
    last_at: str
    last_job_id: str


class FailureGroups(BaseModel):
    """Groups of the `scanned` newest failures. `capped`: older failures were not read."""

    items: list[FailureGroupView]
    scanned: int
    capped: bool


@router.get("/overview", responses=responses(401, 403, 422, 429, 503))
async def overview(
    statistics_store: StatisticsReading,
    clock: ServerClock,
    attention: Attention,
    fleet: LiveFleet,
    principal: Admin,
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


@router.get("/failures", responses=responses(401, 403, 422, 429, 503))
async def failures(
    statistics_store: StatisticsReading,
    principal: Admin,
    search: Searching,
    period: LastDay,
) -> FailureGroups:
    """Up to 50 groups of failures of the last `minutes` or between `from` and `to`, largest first.

    Only the newest 10,000 failures are read.
    """
    found = await search(statistics_store.failures, principal.tenant_id, period.since, MOST_GROUPS, period.until)
    items = [
        FailureGroupView(
            fingerprint=group.fingerprint,
            workflow_id=group.last.workflow_id,
            reason=group.last.reason,
            error_type=_text(error_of(group.last).get("type")),
            message=sentence(group.last),
            count=group.count,
            first_at=rfc3339(group.first_at),
            last_at=rfc3339(group.last_at),
            last_job_id=group.last.job_id,
        )
        for group in found.groups
    ]
    return FailureGroups(items=items, scanned=found.scanned, capped=found.capped)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


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
