"""Why a job is pending: computed from what is, never stored.

Every sentence is one that an operator can act on. Source: protocol, section 2, "Why is it pending?".
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
class Candidate:
    """A robot of the job's tenant, as dispatch sees it."""

    robot_id: str
    profile: Profile
    availability: Availability


@dataclass(frozen=True, slots=True)
class PendingReason:
    code: ReasonCode
    message: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The answer: reasons, most telling first; place in its line (1 is next); the robots that would fit."""

    reasons: tuple[PendingReason, ...]
    position: int | None
    robots: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about: a pending job's wishes and its place. `offered_to`: the robot that has an offer of it."""

    placement: Placement
    not_before: Instant | None
    position: int | None
    offered_to: str | None = None


def why_pending(job: Asked, fleet: Iterable[Candidate], paused: Sequence[str], now: Instant) -> Waiting:
    """Everything that keeps the job from being handed out at `now`; never without a reason."""
    fitting = sorted(
        (robot for robot in fleet if may_run(robot.profile, robot.robot_id, job.placement)),
        key=lambda robot: (list(Availability).index(robot.availability), robot.robot_id),
    )
    reasons: list[PendingReason] = []
    if job.offered_to is not None:
        reasons.append(PendingReason(ReasonCode.OFFERED, f"offered to {job.offered_to}, which has yet to take it"))
    else:
        reasons += _held_back(job, paused, now)
        reasons += _robots(job, fitting)
        reasons += _place(job, fitting, blocked=bool(reasons))
    return Waiting(tuple(reasons), job.position, tuple(fitting[:SHOWN_ROBOTS]))


def _held_back(job: Asked, paused: Sequence[str], now: Instant) -> list[PendingReason]:
    reasons: list[PendingReason] = []
    if job.not_before is not None and job.not_before > now:
        reasons.append(PendingReason(ReasonCode.NOT_BEFORE, f"not before {rfc3339(job.not_before)}"))
    if job.placement.queue in paused or "*" in paused:
        which = job.placement.queue if job.placement.queue in paused else "every queue"
        reasons.append(PendingReason(ReasonCode.QUEUE_PAUSED, f"{which} is paused; resume it to hand out its jobs"))
    return reasons


def _wishes(placement: Placement) -> str:
    if placement.robot_id is not None:
        return f"it may run on {placement.robot_id} only"
    return f"it asks for the tags {', '.join(placement.tags)}" if placement.tags else "it asks for no tags"


def _robots(job: Asked, fitting: Sequence[Candidate]) -> list[PendingReason]:
    if not fitting:
        text = f"no robot of tenant {job.placement.tenant_id} fits: {_wishes(job.placement)}"
        return [PendingReason(ReasonCode.NO_ROBOT, text)]
    counts = Counter(robot.availability for robot in fitting)
    if counts[Availability.IDLE]:
        return []
    listed = ", ".join(f"{counts[state]} {state}" for state in Availability if counts[state])
    fit = "1 robot fits" if len(fitting) == 1 else f"{len(fitting)} robots fit"
    return [PendingReason(ReasonCode.ROBOTS_UNAVAILABLE, f"{fit}: {listed}")]


def _place(job: Asked, fitting: Sequence[Candidate], *, blocked: bool) -> list[PendingReason]:
    position = job.position
    if position is not None and position > 1:
        shown = f"{position}" if position <= POSITION_LIMIT else f"over {POSITION_LIMIT}"
        return [PendingReason(ReasonCode.JOBS_AHEAD, f"position {shown} in its line")]
    if blocked:
        return []
    return [PendingReason(ReasonCode.NEXT, f"it is next: {fitting[0].robot_id} is free")]
