"""The HTTP views of failure groups."""

from pydantic import BaseModel, Field

from casare_rpa.domain.failure_groups import FailureGroup, FailureGrouping, FailureSpan, GroupNote
from casare_rpa.domain.failures import error_of, sentence
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant, rfc3339
from casare_rpa.domain.job import Reason

MOST_ROBOTS = 10


class MuteView(BaseModel):
    """`until` is null while the group is muted until it is unmuted."""

    at: str
    by: str
    until: str | None


class FailureRobot(BaseModel):
    robot_id: str
    count: int


class FailureGroupView(BaseModel):
    """Failures with the same fingerprint in a tenant.

    `reason`, `error_type` and `message` are from the newest failure, `count`, `trend` and the robots from the requested
    time. `first_at` is the oldest stored failure.
    """

    fingerprint: str
    tenant_id: str
    workflow_id: str
    reason: Reason | None
    error_type: str | None
    message: str
    count: int
    first_at: str
    last_at: str
    last_job_id: str
    is_new: bool = Field(description="The oldest stored failure is less than 24 hours old.")
    trend: list[int] = Field(description="Failures of each bar, oldest first; see `bar_seconds` of the list.")
    robots: list[FailureRobot] = Field(description="Up to ten robots with the most failures.")
    robot_count: int
    note: str
    owner: str
    muted: MuteView | None


class FailureGroups(BaseModel):
    """Groups of the `scanned` newest failures. `capped`: older failures were not read.

    The first bar of a trend begins at `bars_from`. `muted_groups` and `muted_failures` count the muted groups, also
    when the list leaves them out.
    """

    items: list[FailureGroupView]
    scanned: int
    capped: bool
    muted_groups: int
    muted_failures: int
    bars_from: str
    bar_seconds: int


def group_view(group: FailureGroup, now: Instant) -> FailureGroupView:
    kind = error_of(group.last).get("type")
    most = sorted(group.robots.items(), key=lambda robot: (-robot[1], robot[0]))[:MOST_ROBOTS]
    return FailureGroupView(
        fingerprint=group.key.fingerprint,
        tenant_id=group.key.tenant_id,
        workflow_id=group.last.workflow_id,
        reason=group.last.reason,
        error_type=kind if isinstance(kind, str) else None,
        message=sentence(group.last),
        count=group.count,
        first_at=rfc3339(group.first_at),
        last_at=rfc3339(group.last_at),
        last_job_id=group.last.job_id,
        is_new=group.is_new(now),
        trend=group.trend,
        robots=[FailureRobot(robot_id=robot_id, count=number) for robot_id, number in most],
        robot_count=len(group.robots),
        note=group.note.note,
        owner=group.note.owner,
        muted=_mute(group.note),
    )


def groups_view(found: FailureGrouping, span: FailureSpan) -> FailureGroups:
    return FailureGroups(
        items=[group_view(group, span.now) for group in found.groups],
        scanned=found.scanned,
        capped=found.capped,
        muted_groups=found.muted_groups,
        muted_failures=found.muted_failures,
        bars_from=rfc3339(Instant(span.bars.start * span.bar_seconds * MICROSECONDS_PER_SECOND)),
        bar_seconds=span.bar_seconds,
    )


def _mute(note: GroupNote) -> MuteView | None:
    if note.muted is None:
        return None
    until = note.muted.until
    return MuteView(at=rfc3339(note.muted.at), by=note.muted.by, until=None if until is None else rfc3339(until))
