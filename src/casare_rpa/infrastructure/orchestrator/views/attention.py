"""The attention list: problems that need an operator."""

from dataclasses import dataclass
from enum import StrEnum

from casare_rpa.domain.instants import Instant, after, seconds_between
from casare_rpa.domain.job import Job
from casare_rpa.domain.vocabulary import RobotStatus
from casare_rpa.domain.waiting import ReasonCode
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.live_robot import LiveRobot
from casare_rpa.infrastructure.orchestrator.views.pending_reasons import PendingReasons

SHOWN = 50
GUARANTEED_PER_KIND = 8
"""Entries that each kind of trouble gets, however many entries the others have."""
DAY_SECONDS = 24 * 3600


class Trouble(StrEnum):
    """Kinds of trouble, most urgent first."""

    CANCEL_UNCONFIRMED = "cancel_unconfirmed"
    CONTACT_LOST = "contact_lost"
    NO_ROBOT = "no_robot"
    QUEUE_PAUSED = "queue_paused"
    ROBOT_OFFLINE = "robot_offline"
    CLOCK_SKEW = "clock_skew"


@dataclass(frozen=True, slots=True)
class Attention:
    """One entry. `target` is the id of a job, a robot or a queue, depending on `kind`; `at` is when it began."""

    kind: Trouble
    message: str
    target: str
    at: Instant


class AttentionList:
    """Computes the list from the store and the fleet with bounded reads."""

    def __init__(self, store: Store, fleet: Fleet, reasons: PendingReasons, clock: Clock) -> None:
        self._store = store
        self._fleet = fleet
        self._reasons = reasons
        self._clock = clock

    async def attention(self, tenant_id: str | None) -> list[Attention]:
        """Up to 50 entries, most urgent first, then newest first."""
        now = self._clock.now()
        since = after(now, -DAY_SECONDS)
        found = [_of_job(job, now) for job in await self._store.troubled(tenant_id, since, SHOWN)]
        found += [one for live in self._fleet.visible(tenant_id, now) for one in _of_robot(live)]
        found += [
            Attention(Trouble.NO_ROBOT, f"{job.workflow_id}: {message}", job.job_id, job.submitted_at)
            for job, message in await self._unservable(tenant_id)
        ]
        for paused in await self._store.paused_queues():
            queue = "all queues" if paused.queue == "*" else f"queue {paused.queue}"
            why = f": {paused.reason}" if paused.reason else ""
            message = f"{queue} paused by {paused.paused_by}{why}"
            found.append(Attention(Trouble.QUEUE_PAUSED, message, paused.queue, paused.paused_at))
        return _most_urgent(found)

    async def _unservable(self, tenant_id: str | None) -> list[tuple[Job, str]]:
        """The first job of each line that no robot can run, with the reason; of 200 lines at most."""
        found = [
            (job, reason.message)
            for job, reasons in await self._reasons.first_of_lines(tenant_id)
            for reason in reasons
            if reason.code in (ReasonCode.NO_ROBOT, ReasonCode.NO_WORKFLOW)
        ]
        return found[:SHOWN]


def _most_urgent(found: list[Attention]) -> list[Attention]:
    order = list(Trouble)
    urgent = sorted(found, key=lambda one: (order.index(one.kind), -one.at))
    first = [one for kind in order for one in [o for o in urgent if o.kind is kind][:GUARANTEED_PER_KIND]]
    rest = [one for one in urgent if one not in first]
    return sorted(first + rest[: SHOWN - len(first)], key=urgent.index)


def _of_job(job: Job, now: Instant) -> Attention:
    robot = job.robot_id or next(iter(job.former_robots), "its robot")
    if job.unconfirmed and job.finished_at is not None:
        message = f"{job.workflow_id}: {robot} did not confirm the cancel and may still be running the job"
        return Attention(Trouble.CANCEL_UNCONFIRMED, message, job.job_id, job.finished_at)
    message = f"{job.workflow_id}: {robot} is disconnected"
    if job.lease_expires_at is not None:
        seconds = max(0.0, seconds_between(now, job.lease_expires_at))
        end = "is retried" if job.attempts_left else "fails as robot lost"
        message += f"; if it does not reconnect within {seconds:.0f} s, the job {end}"
    return Attention(Trouble.CONTACT_LOST, message, job.job_id, job.contact_lost_at or job.submitted_at)


def _of_robot(live: LiveRobot) -> list[Attention]:
    robot_id, seen = live.robot.robot_id, live.last_seen_at or live.robot.created_at
    if live.status is RobotStatus.OFFLINE:
        return [Attention(Trouble.ROBOT_OFFLINE, f"{robot_id} is offline", robot_id, seen)]
    if live.clock_skew_seconds is not None:
        seconds = live.clock_skew_seconds
        message = f"the clock of {robot_id} is {abs(seconds):.0f} s {'ahead' if seconds > 0 else 'behind'}"
        return [Attention(Trouble.CLOCK_SKEW, message, robot_id, seen)]
    return []
