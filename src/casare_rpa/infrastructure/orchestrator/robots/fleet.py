"""The robots as this instance knows them: a cache of the store, and the connections that it holds itself.

What it says of free slots is a hint for the dispatcher; the store counts again when it hands out a job.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush

from msgspec import UNSET

from casare_rpa.domain.instants import Instant, rfc3339, seconds_between
from casare_rpa.domain.job import Job, Phase
from casare_rpa.domain.protocol import (
    Feature,
    Heartbeat,
    Hello,
    JobStatus,
    RobotHeartbeat,
    RobotState,
    RobotStatus,
)
from casare_rpa.domain.robots import SEEN_RECENTLY_SECONDS, Placement, Profile, Robot, profile_of, status_of
from casare_rpa.domain.selection import Slot, Slots
from casare_rpa.domain.waiting import Availability, AvailabilityGroup
from casare_rpa.infrastructure.orchestrator.hub.session import Session
from casare_rpa.infrastructure.orchestrator.robots.availability import AvailabilityIndex
from casare_rpa.infrastructure.orchestrator.robots.heartbeats import HeartbeatHistory

HELLO_WAIT_SECONDS = 0.25
MISSED_OFFERS = 5
SKIP_SECONDS = 60.0
TAKEOVERS_PER_MINUTE = 3
CLOCK_SKEW_SECONDS = 30.0

_OF_A_SLOT = {"robot", "link", "returning", "said", "held", "idle_since", "skip_until"}
"""Attributes of a robot on which its slot depends."""
HELD_PHASES = (Phase.OFFER, Phase.CLAIMED, Phase.RUNNING)


@dataclass(slots=True, eq=False)
class RobotConnection:
    """One connection of a robot, and what was said over it. Times are monotonic seconds."""

    robot_id: str
    tenant_id: str
    session: Session
    offers_after: float
    hello: Hello | None = None
    active_jobs: tuple[tuple[str, int], ...] | None = None
    """What the robot listed last; `None` while it has never listed any (a 1.0 robot)."""
    reconciled: bool = False
    idle_beats: int = 0
    reported: set[str] = field(default_factory=set)
    heard: bool = False
    """Since the last beat."""
    beating: bool = False
    """Whether a beat of what was heard is on its way into the store."""
    heartbeat: Heartbeat | None = None
    heartbeat_at: Instant | None = None
    connected_at: Instant | None = None

    def renews(self, job_id: str) -> bool:
        """Whether it was heard since the last beat that was written, and holds this job as far as it says."""
        listed = self.active_jobs
        return (self.heard or self.beating) and (listed is None or any(job_id == active for active, _ in listed))

    @property
    def claim_ack(self) -> bool:
        return self.hello is not None and Feature.CLAIM_ACK in self.hello.features


class Moved:
    """Robots that changed, for each who keeps something by it, until it has looked."""

    __slots__ = ("for_crowds", "for_slots")

    def __init__(self) -> None:
        self.for_slots: set[str] = set()
        self.for_crowds: set[str] = set()

    def add(self, robot_id: str) -> None:
        self.for_slots.add(robot_id)
        self.for_crowds.add(robot_id)


@dataclass(slots=True, eq=False)
class LiveRobot:
    """A known robot: its stored profile, what it said last, its connection if it has one, and its jobs."""

    moved: Moved
    """The fleet's list of robots whose slot or availability may be another now."""
    robot: Robot
    link: RobotConnection | None = None
    returning: bool = False
    """It was here until we restarted, and is expected back at any moment: its last status stands meanwhile."""
    said: RobotStatus | None = None
    cpu_percent: float = 0.0
    memory_mb: float = 0.0
    last_heartbeat_at: Instant | None = None
    last_seen_at: Instant | None = None
    clock_skew_seconds: float | None = None
    held: dict[str, JobStatus] = field(default_factory=dict)
    changes: int = 0
    """`Fleet.changes` at the last change of one of its jobs. A read of the store that began before is out of date."""
    idle_since: float = 0.0
    missed_offers: int = 0
    skip_until: float = 0.0
    takeovers: deque[tuple[float, str]] = field(default_factory=deque)
    beats: HeartbeatHistory = field(default_factory=HeartbeatHistory)

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
        if name in _OF_A_SLOT:
            self.moved.add(self.robot.robot_id)

    @property
    def capacity(self) -> int:
        """Slots: what an admin stored bounds what `hello` says; one when nobody says."""
        hello = self.link.hello if self.link else None
        said = hello.max_concurrent_jobs if hello else None
        stored = self.robot.max_concurrent_jobs
        if stored is None or said is None:
            return stored or said or 1
        return min(stored, said)

    @property
    def free_slots(self) -> int:
        return self.capacity - len(self.held)

    @property
    def tags(self) -> tuple[str, ...]:
        """What an admin stored wins over what `hello` says."""
        hello = self.link.hello if self.link else None
        return self.robot.tags or (tuple(hello.tags) if hello else ())

    @property
    def status(self) -> RobotStatus:
        connected = self.link is not None or self.returning
        return status_of(connected=connected, said=self.said, free_slots=self.capacity - len(self.held))

    @property
    def current_job(self) -> str | None:
        """The job that viewers see it work on: an offer is not one yet."""
        return next((job_id for job_id, status in self.held.items() if status is not JobStatus.PENDING), None)

    @property
    def profile(self) -> Profile:
        return profile_of(self.robot.tenant_id, self.tags)

    def availability(self, now: float) -> Availability:
        """Why it takes a job at `now` (monotonic), or not; an order to drain outlives its connections."""
        status = self.status
        if self.link is None or status is RobotStatus.OFFLINE:
            return Availability.OFFLINE
        if self.robot.draining_at is not None:
            return Availability.DRAINING
        if now < self.skip_until:
            return Availability.UNRESPONSIVE
        return Availability.BUSY if status is RobotStatus.BUSY else Availability.IDLE

    def slot(self, now: float) -> Slot | None:
        """The slot it offers at `now` (monotonic), if it can take a job."""
        link = self.link
        if link is None or now < link.offers_after or self.availability(now) is not Availability.IDLE:
            return None
        return Slot(
            robot_id=self.robot.robot_id,
            session_id=link.session.session_id,
            profile=self.profile,
            free=self.free_slots,
            capacity=self.capacity,
            claim_ack=link.claim_ack,
            idle_since=self.idle_since,
        )


class Fleet:
    """Every known robot by id."""

    def __init__(self) -> None:
        self._robots: dict[str, LiveRobot] = {}
        self._slots = Slots()
        self._crowds = AvailabilityIndex()
        self._moved = Moved()
        self.changes = 0
        """Counts the changes of jobs of all robots."""
        self._later: list[tuple[float, str]] = []
        """A heap of the moments (monotonic) at which time alone may give a robot a slot."""

    def put(self, robot: Robot) -> LiveRobot:
        """Learn of a robot, or of its changed profile."""
        live = self._robots.get(robot.robot_id)
        if live is None:
            live = self._robots[robot.robot_id] = LiveRobot(
                self._moved,
                robot,
                cpu_percent=robot.cpu_percent,
                memory_mb=robot.memory_mb,
                last_heartbeat_at=robot.last_heartbeat_at,
                last_seen_at=robot.last_seen_at,
            )
        live.robot = robot
        return live

    def get(self, robot_id: str) -> LiveRobot | None:
        return self._robots.get(robot_id)

    def connected(self) -> list[LiveRobot]:
        return [live for live in self._robots.values() if live.link is not None]

    def of(self, tenant_id: str | None) -> list[LiveRobot]:
        """Every known robot of a tenant, or of all."""
        return [live for live in self._robots.values() if tenant_id in (None, live.robot.tenant_id)]

    def visible(self, tenant_id: str | None, now: Instant) -> list[LiveRobot]:
        """Robots of a tenant (or of all) that are connected or were seen within 24 hours."""
        return [
            live
            for live in self.of(tenant_id)
            if live.link is not None
            or (live.last_seen_at is not None and seconds_between(live.last_seen_at, now) <= SEEN_RECENTLY_SECONDS)
        ]

    def moved(self, robot_id: str) -> None:
        """The robot's slot or availability may be another now."""
        self._moved.add(robot_id)

    def slots(self, now: float) -> Slots:
        """Robots that could take a job at `now` (monotonic). Looks only at those that changed since the last time."""
        while self._later and self._later[0][0] <= now:
            self._moved.for_slots.add(heappop(self._later)[1])
        for robot_id in self._moved.for_slots:
            live = self._robots[robot_id]
            slot = live.slot(now)
            if slot is not None:
                self._slots.put(slot)
                continue
            self._slots.remove(robot_id)
            if live.link is not None and (later := max(live.link.offers_after, live.skip_until)) > now:
                heappush(self._later, (later, robot_id))
        self._moved.for_slots.clear()
        return self._slots.copy()

    def crowds(self, placement: Placement, now: float) -> list[AvailabilityGroup]:
        """The robots that such a job may ask for, put together by what they offer and do at `now` (monotonic)."""
        if placement.robot_id is not None:
            target = self._robots.get(placement.robot_id)
            return (
                []
                if target is None
                else [AvailabilityGroup(target.profile, target.availability(now), (placement.robot_id,))]
            )
        timed: set[str] = set()
        for robot_id in self._moved.for_crowds:
            live = self._robots[robot_id]
            self._crowds.put(robot_id, live.robot.tenant_id, (live.profile, live.availability(now)))
            if now < live.skip_until:
                timed.add(robot_id)  # time alone will change it
        self._moved.for_crowds = timed
        return self._crowds.of(placement.tenant_id)

    def renews(self, job_id: str) -> bool:
        """Whether the next beat that is written renews this job's lease: its robot was heard since the last one."""
        return any(
            live.link is not None and live.link.renews(job_id) for live in self._robots.values() if job_id in live.held
        )

    def hold(self, robot_id: str, jobs: Iterable[Job]) -> None:
        """Replace what is known of a robot's jobs by what the store says."""
        live = self._robots.get(robot_id)
        if live is not None:
            live.held = {job.job_id: job.status for job in jobs}

    def correct(self, live: LiveRobot, held: dict[str, JobStatus], now: float) -> None:
        """Replace what is known of a robot's jobs, because events about them were lost."""
        if live.held.keys() - held.keys():
            live.idle_since = now
        live.held = held

    def job_changed(self, before: Job | None, job: Job, now: float) -> set[str]:
        """Follow a committed change; answers the robots whose status or current job is another now."""
        changed: set[str] = set()
        for robot_id in {job.robot_id, before.robot_id if before else None}:
            live = self._robots.get(robot_id) if robot_id else None
            if live is None:
                continue
            self.changes += 1
            live.changes = self.changes
            self._moved.add(live.robot.robot_id)
            was = (live.status, live.current_job)
            if job.robot_id == robot_id and job.finished_at is None and job.phase in HELD_PHASES:
                live.held[job.job_id] = job.status
            elif live.held.pop(job.job_id, None) is not None:
                live.idle_since = now
                if job.unconfirmed:
                    live.said = RobotStatus.BUSY  # it may still be at work: nothing more until it beats idle
            if was != (live.status, live.current_job):
                changed.add(live.robot.robot_id)
        return changed

    def end_reported(self, robot_id: str) -> None:
        """A robot's own end report takes back the `busy` that it said."""
        live = self._robots.get(robot_id)
        if live is not None and live.said is RobotStatus.BUSY:
            live.said = None


def state_message(live: LiveRobot, now: Instant) -> RobotState:
    """The `robot_status` for dashboards."""
    return RobotState(
        robot_id=live.robot.robot_id,
        status=live.status,
        cpu_percent=live.cpu_percent,
        memory_mb=live.memory_mb,
        current_job=live.current_job,
        timestamp=rfc3339(now),
        last_heartbeat_at=rfc3339(live.last_heartbeat_at) if live.last_heartbeat_at is not None else None,
        clock_skew_seconds=live.clock_skew_seconds if live.clock_skew_seconds is not None else UNSET,
        draining=True if live.robot.draining_at is not None else UNSET,
    )


def heartbeat_message(live: LiveRobot, now: Instant) -> RobotHeartbeat:
    """The flat `robot_heartbeat` of /ws/monitoring/robot-status."""
    return RobotHeartbeat(
        robot_id=live.robot.robot_id,
        status=live.status,
        cpu_percent=live.cpu_percent,
        memory_mb=live.memory_mb,
        timestamp=rfc3339(now),
    )
