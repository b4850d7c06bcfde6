"""The attention list: problems that need an operator."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from casare_rpa.domain.instants import Instant, after, seconds_between
from casare_rpa.domain.job import Job
from casare_rpa.domain.vocabulary import JobStatus, RobotStatus
from casare_rpa.domain.waiting import ReasonCode
from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.statistics import StatisticsStore
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.identity_watch import DUPLICATE_IDENTITY, ROBOT_TAKEN_OVER
from casare_rpa.infrastructure.orchestrator.robots.live_robot import LiveRobot
from casare_rpa.infrastructure.orchestrator.views.pending_reasons import PendingReasons

SHOWN = 50
GUARANTEED_PER_KIND = 8
"""Entries that each kind of trouble gets, however many entries the others have."""
DAY_SECONDS = 24 * 3600
SILENT_MINUTES = 5


class Trouble(StrEnum):
    """Kinds of trouble, most urgent first."""

    CANCEL_UNCONFIRMED = "cancel_unconfirmed"
    CONTACT_LOST = "contact_lost"
    ROBOT_TAKEN_OVER = "robot_taken_over"
    DUPLICATE_IDENTITY = "duplicate_identity"
    JOB_SILENT = "job_silent"
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


class AttentionStore(StatisticsStore, AdminStore, Protocol):
    """The ports of the store that `AttentionList` uses."""


class AttentionList:
    """Computes the list from the store and the fleet with bounded reads."""

    def __init__(self, store: AttentionStore, fleet: Fleet, reasons: PendingReasons, clock: Clock) -> None:
        self._store = store
        self._fleet = fleet
        self._reasons = reasons
        self._clock = clock

    async def attention(self, tenant_id: str | None) -> list[Attention]:
        """Up to 50 entries, most urgent first, then newest first."""
        now = self._clock.now()
        since = after(now, -DAY_SECONDS)
        found = [_of_job(job, now, self._name_of) for job in await self._store.troubled(tenant_id, since, SHOWN)]
        found += [one for live in self._fleet.visible(tenant_id, now) for one in _of_robot(live)]
        found += [one for live in self._fleet.robots_of(tenant_id) for one in _silent_jobs(live, now)]
        found += await self._identities(tenant_id, since)
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

    async def _identities(self, tenant_id: str | None, since: Instant) -> list[Attention]:
        """What the audit trail says since then about robots whose identity two processes used."""
        entries = [
            entry
            for action in (
                DUPLICATE_IDENTITY,
                ROBOT_TAKEN_OVER,
            )  # one read per action, because a read of both needs a sort
            for entry in await self._store.audit(None, (action,), SHOWN, None)
        ]
        robots = {live.robot.robot_id for live in self._fleet.robots_of(tenant_id)}
        return [
            Attention(Trouble(entry.action), f"{self._name_of(entry.target)}: {entry.note}", entry.target, entry.at)
            for entry in entries
            if entry.at >= since and entry.target in robots
        ]

    def _name_of(self, robot_id: str) -> str:
        """The display name of a robot, or its id."""
        live = self._fleet.get(robot_id)
        return robot_id if live is None else _name(live)

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


def _name(live: LiveRobot) -> str:
    return live.robot.name or live.robot.robot_id


def _of_job(job: Job, now: Instant, name_of: Callable[[str], str]) -> Attention:
    robot = name_of(job.robot_id or next(iter(job.former_robots), "its robot"))
    if job.unconfirmed and job.finished_at is not None:
        message = f"{job.workflow_id}: {robot} did not confirm the cancel and may still be running the job"
        return Attention(Trouble.CANCEL_UNCONFIRMED, message, job.job_id, job.finished_at)
    message = f"{job.workflow_id}: {robot} is disconnected"
    if job.lease_expires_at is not None:
        seconds = max(0.0, seconds_between(now, job.lease_expires_at))
        end = "is retried" if job.attempts_left else "fails as robot lost"
        message += f"; if it does not reconnect within {seconds:.0f} s, the job {end}"
    return Attention(Trouble.CONTACT_LOST, message, job.job_id, job.contact_lost_at or job.submitted_at)


def _silent_jobs(live: LiveRobot, now: Instant) -> list[Attention]:
    """Jobs of which a robot has sent no report and no log line for 5 minutes, though its frames renew their leases.

    Only of a robot that does not list its jobs and has several slots: its `idle` means that there is room.
    """
    connection = live.connection
    if connection is None or connection.active_jobs is not None or live.capacity == 1:
        return []
    found = []
    for job_id, status in live.held.items():
        last_at = connection.reported.get(job_id, connection.connected_at)
        minutes = seconds_between(last_at, now) / 60
        if status is not JobStatus.PENDING and minutes >= SILENT_MINUTES:
            message = f"{_name(live)} has sent no report and no log line of this job for {minutes:.0f} minutes"
            found.append(Attention(Trouble.JOB_SILENT, message, job_id, last_at))
    return found


def _of_robot(live: LiveRobot) -> list[Attention]:
    robot_id, seen = live.robot.robot_id, live.last_seen_at or live.robot.created_at
    if live.status is RobotStatus.OFFLINE:
        return [Attention(Trouble.ROBOT_OFFLINE, f"{_name(live)} is offline", robot_id, seen)]
    if live.clock_skew_seconds is not None:
        seconds = live.clock_skew_seconds
        message = f"the clock of {_name(live)} is {abs(seconds):.0f} s {'ahead' if seconds > 0 else 'behind'}"
        return [Attention(Trouble.CLOCK_SKEW, message, robot_id, seen)]
    return []
