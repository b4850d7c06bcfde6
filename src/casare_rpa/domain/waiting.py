"""The reasons why a job is pending: computed from the present state, never stored.

An operator can act on every message.
Source: docs/reference/http.md.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from casare_rpa.domain.instants import Instant, rfc3339
from casare_rpa.domain.queues import ALL_QUEUES
from casare_rpa.domain.robots import Placement, Profile, lacks_allowed_tags, may_run, meets_requirements

SHOWN_ROBOTS = 10
NAMED_ROBOTS = 3
"""The number of robots that a message names."""
POSITION_LIMIT = 10_000
"""The largest position that is shown. Counting further takes time, and users do not need larger positions."""


class Availability(StrEnum):
    """Whether a matching robot can take a job now, most available first."""

    IDLE = "idle"
    BUSY = "busy"
    DRAINING = "draining"
    UNRESPONSIVE = "unresponsive"
    """It did not answer several offers in a row and gets no offers for a minute."""
    OFFLINE = "offline"


class ReasonCode(StrEnum):
    """The codes of pending reasons, for programs."""

    OFFERED = "offered"
    NOT_BEFORE = "not_before"
    QUEUE_PAUSED = "queue_paused"
    NO_ROBOT = "no_robot"
    NO_WORKFLOW = "no_workflow"
    ROBOTS_UNAVAILABLE = "robots_unavailable"
    JOBS_AHEAD = "jobs_ahead"
    NEXT = "next"


@dataclass(frozen=True, slots=True)
class AvailabilityGroup:
    """Robots of the same profile and availability. A fleet of thousands has a few groups."""

    profile: Profile
    availability: Availability
    robot_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PendingReason:
    code: ReasonCode
    message: str


@dataclass(frozen=True, slots=True)
class PendingJob:
    """The part of a pending job that explains why it is pending.

    `position` is its place among the jobs of its placement; 1 is next. `offered_to` is the robot with its offer.
    """

    placement: Placement
    not_before: Instant | None
    position: int | None
    offered_to: str | None = None


def fitting(placement: Placement, groups: Iterable[AvailabilityGroup]) -> list[AvailabilityGroup]:
    """The groups of matching robots, the most available first.

    For a placement that names a robot, `groups` contains only that robot.
    """
    order = list(Availability)
    fit = [group for group in groups if may_run(group.profile, placement.robot_id or "", placement)]
    return sorted(fit, key=lambda group: order.index(group.availability))


def would_fit(placement: Placement, groups: Iterable[AvailabilityGroup]) -> list[tuple[str, Availability]]:
    """Up to ten matching robots, the most available first, then by id."""
    by_state: dict[Availability, list[str]] = {}
    for group in fitting(placement, groups):
        by_state.setdefault(group.availability, []).extend(group.robot_ids)
    every = [(robot_id, state) for state, ids in by_state.items() for robot_id in sorted(ids)]
    return every[:SHOWN_ROBOTS]


def why_pending(
    job: PendingJob, groups: Sequence[AvailabilityGroup], paused: Sequence[str], now: Instant
) -> tuple[PendingReason, ...]:
    """The reasons why the job is not assigned at `now`, most important first; always at least one."""
    if job.offered_to is not None:
        return (PendingReason(ReasonCode.OFFERED, f"offered to {job.offered_to}, not claimed yet"),)
    reasons = [*_held_back(job, paused, now), *_robots(job.placement, groups)]
    return (*reasons, *_place(job.position, blocked=bool(reasons)))


def _held_back(job: PendingJob, paused: Sequence[str], now: Instant) -> list[PendingReason]:
    reasons: list[PendingReason] = []
    if job.not_before is not None and job.not_before > now:
        reasons.append(PendingReason(ReasonCode.NOT_BEFORE, f"not before {rfc3339(job.not_before)}"))
    if job.placement.queue in paused or ALL_QUEUES in paused:
        which = f"queue {job.placement.queue} is" if job.placement.queue in paused else "all queues are"
        reasons.append(PendingReason(ReasonCode.QUEUE_PAUSED, f"{which} paused; resume to assign jobs"))
    return reasons


def _requirements(placement: Placement) -> str:
    if placement.robot_id is not None:
        return f"the job requires robot {placement.robot_id}"
    return f"the job requires the tags {', '.join(placement.tags)}"


def _unmatched(placement: Placement, groups: Sequence[AvailabilityGroup]) -> PendingReason:
    """Why no robot fits: none has the workflow, or none meets the other requirements."""
    others = [
        robot_id
        for group in groups
        if meets_requirements(group.profile, placement.robot_id or "", placement)
        for robot_id in group.robot_ids
    ]
    if not others and placement.robot_id is None and not placement.tags:
        text = f"tenant {placement.tenant_id} has no robots; add one with `casare robot add`"
        return PendingReason(ReasonCode.NO_ROBOT, text)
    if not others:
        text = f"no matching robot in tenant {placement.tenant_id}: {_requirements(placement)}"
        return PendingReason(ReasonCode.NO_ROBOT, text + _tags_to_allow(placement, groups))
    names = ", ".join(sorted(others)[:NAMED_ROBOTS]) + (", …" if len(others) > NAMED_ROBOTS else "")
    match = "1 robot matches" if len(others) == 1 else f"{len(others)} robots match"
    text = f"no robot has the workflow {placement.workflow_id!r}; {match} otherwise: {names}"
    return PendingReason(ReasonCode.NO_WORKFLOW, text)


def _tags_to_allow(placement: Placement, groups: Sequence[AvailabilityGroup]) -> str:
    """The first robot that would match with the tags that it reports, and the command that allows them."""
    found = [
        (robot_id, [tag for tag in placement.tags if tag in group.profile.not_allowed])
        for group in groups
        for robot_id in group.robot_ids
        if lacks_allowed_tags(group.profile, robot_id, placement)
    ]
    if not found:
        return ""
    robot_id, tags = min(found)
    who = robot_id if len(found) == 1 else f"{robot_id} and {len(found) - 1} more"
    return f"; tags {', '.join(tags)} of {who} are not allowed: casare robot allow-tags {robot_id} {' '.join(tags)}"


def _robots(placement: Placement, groups: Sequence[AvailabilityGroup]) -> list[PendingReason]:
    counts: Counter[Availability] = Counter()
    for group in fitting(placement, groups):
        counts[group.availability] += len(group.robot_ids)
    if not counts:
        return [_unmatched(placement, groups)]
    if counts[Availability.IDLE]:
        return []
    listed = ", ".join(f"{counts[state]} {state}" for state in Availability if counts[state])
    fit = "1 matching robot" if counts.total() == 1 else f"{counts.total()} matching robots"
    return [PendingReason(ReasonCode.ROBOTS_UNAVAILABLE, f"{fit}: {listed}")]


def _place(position: int | None, *, blocked: bool) -> list[PendingReason]:
    if position is not None and position > 1:
        shown = f"{position}" if position <= POSITION_LIMIT else f"over {POSITION_LIMIT}"
        return [PendingReason(ReasonCode.JOBS_AHEAD, f"position {shown} among jobs with the same requirements")]
    return [] if blocked else [PendingReason(ReasonCode.NEXT, "next: a matching robot is free")]
