"""Why a job is pending: computed from what is, never stored.

Every sentence is one that an operator can act on.
Source: docs/reference/http.md.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from casare_rpa.domain.instants import Instant, rfc3339
from casare_rpa.domain.robots import Placement, Profile, may_run

SHOWN_ROBOTS = 10
POSITION_LIMIT = 10_000
"""Positions are counted up to here: nobody needs to know whether it is the 20,000th or the 30,000th."""


class Availability(StrEnum):
    """Why a robot that fits takes the job now, or not."""

    IDLE = "idle"
    BUSY = "busy"
    DRAINING = "draining"
    UNRESPONSIVE = "unresponsive"
    """It left several offers in a row unanswered and is passed over for a minute."""
    OFFLINE = "offline"


class ReasonCode(StrEnum):
    """What keeps a pending job waiting; programs read this, people the sentence."""

    OFFERED = "offered"
    NOT_BEFORE = "not_before"
    QUEUE_PAUSED = "queue_paused"
    NO_ROBOT = "no_robot"
    ROBOTS_UNAVAILABLE = "robots_unavailable"
    JOBS_AHEAD = "jobs_ahead"
    NEXT = "next"


@dataclass(frozen=True, slots=True)
class AvailabilityGroup:
    """Robots that offer the same and do the same just now: a fleet of thousands is a few of these."""

    profile: Profile
    availability: Availability
    robot_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PendingReason:
    code: ReasonCode
    message: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about: a pending job's wishes and its place in its line, 1 being next.

    `offered_to`: the robot that has an offer of it.
    """

    placement: Placement
    not_before: Instant | None
    position: int | None
    offered_to: str | None = None


def fitting(placement: Placement, crowds: Iterable[AvailabilityGroup]) -> list[AvailabilityGroup]:
    """The robots that could run such a job, the most available first.

    For a placement that names a robot, `crowds` holds that robot alone.
    """
    order = list(Availability)
    fit = [crowd for crowd in crowds if may_run(crowd.profile, placement.robot_id or "", placement)]
    return sorted(fit, key=lambda crowd: order.index(crowd.availability))


def would_fit(placement: Placement, crowds: Iterable[AvailabilityGroup]) -> list[tuple[str, Availability]]:
    """Up to ten of the robots that fit, by id, the most available first."""
    by_state: dict[Availability, list[str]] = {}
    for crowd in fitting(placement, crowds):
        by_state.setdefault(crowd.availability, []).extend(crowd.robot_ids)
    every = [(robot_id, state) for state, ids in by_state.items() for robot_id in sorted(ids)]
    return every[:SHOWN_ROBOTS]


def why_pending(
    job: Asked, crowds: Iterable[AvailabilityGroup], paused: Sequence[str], now: Instant
) -> tuple[PendingReason, ...]:
    """Everything that keeps the job from being handed out at `now`, most telling first; never nothing."""
    if job.offered_to is not None:
        return (PendingReason(ReasonCode.OFFERED, f"offered to {job.offered_to}, not claimed yet"),)
    reasons = [*_held_back(job, paused, now), *_robots(job.placement, crowds)]
    return (*reasons, *_place(job.position, blocked=bool(reasons)))


def _held_back(job: Asked, paused: Sequence[str], now: Instant) -> list[PendingReason]:
    reasons: list[PendingReason] = []
    if job.not_before is not None and job.not_before > now:
        reasons.append(PendingReason(ReasonCode.NOT_BEFORE, f"not before {rfc3339(job.not_before)}"))
    if job.placement.queue in paused or "*" in paused:
        which = f"queue {job.placement.queue} is" if job.placement.queue in paused else "all queues are"
        reasons.append(PendingReason(ReasonCode.QUEUE_PAUSED, f"{which} paused; resume to assign jobs"))
    return reasons


def _wishes(placement: Placement) -> str:
    if placement.robot_id is not None:
        return f"the job requires robot {placement.robot_id}"
    return f"the job requires the tags {', '.join(placement.tags)}" if placement.tags else "the job requires no tags"


def _robots(placement: Placement, crowds: Iterable[AvailabilityGroup]) -> list[PendingReason]:
    counts: Counter[Availability] = Counter()
    for crowd in fitting(placement, crowds):
        counts[crowd.availability] += len(crowd.robot_ids)
    if not counts:
        text = f"no matching robot in tenant {placement.tenant_id}: {_wishes(placement)}"
        return [PendingReason(ReasonCode.NO_ROBOT, text)]
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
