"""The live state of one robot: the only place that holds it, and its connection while it has one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import UNSET

from casare_rpa.domain.fields import wire_number
from casare_rpa.domain.instants import Instant, after, rfc3339
from casare_rpa.domain.job import Job, Phase
from casare_rpa.domain.line_order import LineOrder
from casare_rpa.domain.protocol import Heartbeat, Hello, RobotHeartbeat, RobotState
from casare_rpa.domain.restarts import restart_message
from casare_rpa.domain.robot_records import LastHeartbeat
from casare_rpa.domain.robots import Profile, Robot, process_of, profile_of, status_of
from casare_rpa.domain.selection import Slot
from casare_rpa.domain.stored_state import StoredSession
from casare_rpa.domain.vocabulary import Feature, JobStatus, RobotStatus
from casare_rpa.domain.waiting import Availability
from casare_rpa.infrastructure.orchestrator.hub.answers import AnswerQueue
from casare_rpa.infrastructure.orchestrator.hub.session import Session
from casare_rpa.infrastructure.orchestrator.robots.heartbeats import HeartbeatHistory, PastHeartbeat

_PENDING, _OFFLINE, _BUSY = JobStatus.PENDING, RobotStatus.OFFLINE, RobotStatus.BUSY
_OCCUPIED, _AVAILABLE = Availability.BUSY, Availability.IDLE
HELD_PHASES = (Phase.OFFER, Phase.CLAIMED, Phase.RUNNING)
MAX_SLOTS_WITHOUT_LIMIT = 16
"""The number of slots that a robot can choose when no admin stored a limit."""
MISSED_OFFERS = 5
SKIP_SECONDS = 60.0
"""A robot that leaves this many offers in a row unanswered gets none for so long."""
ASSUMED_BUSY_SECONDS = 300.0


@dataclass(slots=True, eq=False)
class RobotConnection:
    """The state of a robot that belongs to one connection. Times are monotonic seconds, except for `connected_at`."""

    robot_id: str
    tenant_id: str
    session: Session
    connected_at: Instant
    offers_after: float
    hello: Hello | None = None
    active_jobs: tuple[tuple[str, int], ...] | None = None
    """The last list of the robot, as (job_id, attempt), with the jobs that it reported on since; `None` before the
    first list, and always for a 1.0 robot."""
    reconciled: bool = False
    idle_since: float | None = None
    """The time (monotonic) since which all heartbeats have been `idle`; only for a robot that lists no jobs."""
    reported: dict[str, Instant] = field(default_factory=dict)
    """The time of the last report over this connection about each job. For a robot without `claim_ack`, a log
    line counts as well."""
    implying: set[str] = field(default_factory=set)
    """Offered jobs with an implicit claim that is not written yet."""
    withheld: bool = False
    """Whether a `busy` or `offline` heartbeat waits for its turn: the robot gets no more offers."""
    claim_ack: bool = False
    process: str | None = None
    """The identity of the robot's process, from `process_of`."""
    foreign: frozenset[str] = frozenset()
    """Jobs that another process of this robot holds: frames of this connection do not renew their leases."""
    number: int = 0
    """The number of its session among those of the robot: see `domain/robot_sessions.py`."""
    replaced: "RobotConnection | None" = None
    """The connection that this one replaced, until its `hello`."""
    sent_restart: str = ""
    """The id of the last restart that was sent over it."""
    write_pending: bool = False
    """A write of heartbeats that covers earlier frames is not committed yet."""
    unwritten_heartbeat: Heartbeat | None = None
    line_order: LineOrder = field(default_factory=LineOrder)
    answers: AnswerQueue = field(init=False)

    def __post_init__(self) -> None:
        self.answers = AnswerQueue(self.session)

    @property
    def frame_unwritten(self) -> bool:
        """Whether a frame arrived since the last write of heartbeats began. The next write renews the leases."""
        return self.session.frame_unwritten

    @frame_unwritten.setter
    def frame_unwritten(self, value: bool) -> None:
        self.session.frame_unwritten = value

    def note_reports(self, attempts: Sequence[tuple[str, int | None]], at: Instant) -> None:
        """Reports arrived: the robot holds these attempts, also if its last list is older and does not name them."""
        listed = self.active_jobs
        known = listed or () if len(attempts) == 1 else set(listed or ())
        new: list[tuple[str, int]] = []
        for job_id, attempt in attempts:
            self.reported[job_id] = at
            if listed is not None and attempt is not None and (job_id, attempt) not in known:
                new.append((job_id, attempt))
        if listed is not None and new:
            self.active_jobs = (*listed, *dict.fromkeys(new))

    def seen_at(self, now: Instant, monotonic: float) -> Instant:
        """The time of the last frame, or of the connection. `now` and `monotonic` are the time of the call."""
        return after(now, self.session.last_received_at - monotonic)

    def renews(self, job_id: str) -> bool:
        """Whether a frame renews the lease of this job and is not written to the store yet."""
        listed = self.active_jobs
        return (self.frame_unwritten or self.write_pending) and (
            job_id not in self.foreign if listed is None else any(job_id == active for active, _ in listed)
        )


class DirtyRobots:
    """Ids of robots whose index entries must be rebuilt, one set for each index."""

    __slots__ = ("for_availability", "for_slots")

    def __init__(self) -> None:
        self.for_slots: set[str] = set()
        self.for_availability: set[str] = set()


@dataclass(slots=True, eq=False)
class LiveRobot:
    """A known robot: its stored profile, its last heartbeat, its connection and its jobs.

    The only owner of this state. All attributes may be read. Changes go through methods, which invalidate the indexes
    of the fleet.
    """

    robot: Robot
    dirty: DirtyRobots
    connection: RobotConnection | None = None
    returning: bool = False
    """The robot was connected before a restart of the server and has not reconnected; its last status is shown."""
    elsewhere: bool = False
    """The robot is connected to another instance."""
    reported_status: RobotStatus | None = None
    cpu_percent: float = 0.0
    memory_mb: float = 0.0
    last_heartbeat_at: Instant | None = None
    last_seen_at: Instant | None = None
    """The time of the last frame, set when it is written to the store; never older than `last_heartbeat_at`."""
    clock_skew_seconds: float | None = None
    held: dict[str, JobStatus] = field(default_factory=dict)
    changes: int = 0
    """`Fleet.changes` at the last change of one of its jobs. A read of the store that began before is out of date."""
    idle_since: float = 0.0
    skip_until: float = 0.0
    assumed_busy_at: float | None = None
    """Since when (monotonic) it counts as busy without its word, after an end that it did not confirm."""
    heartbeats: HeartbeatHistory = field(default_factory=HeartbeatHistory)
    capacity: int = field(init=False, default=1)
    """The number of slots: the value of `hello`, limited by the stored value or else by 16; 1 if neither is set."""
    profile: Profile = field(init=False)
    """The profile, stored because the dispatcher reads it after each change of a job."""
    refused_workflows: frozenset[str] = frozenset()
    """Workflows that it answered with `unknown_workflow` since its last `hello` or connection."""
    status: RobotStatus = field(init=False, default=RobotStatus.OFFLINE)
    """The computed status, stored because each change of a job and each heartbeat read it several times."""
    current_job: str | None = field(init=False, default=None)
    """The job that viewers see it work on. An offer is not shown."""
    _missed_offers: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._derive()

    # Values derived from the state

    @property
    def free_slots(self) -> int:
        return self.capacity - len(self.held)

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that an admin stored. A robot that could choose its tags could choose which jobs it reads."""
        return self.robot.tags

    @property
    def tags_not_allowed(self) -> tuple[str, ...]:
        """The tags of its `hello` that no admin stored, sorted. They do not count."""
        hello = self.connection.hello if self.connection else None
        return tuple(sorted(set(hello.tags or ()).difference(self.robot.tags))) if hello else ()

    @property
    def workflows(self) -> tuple[str, ...] | None:
        """Its listed workflows, sorted; `None` if it lists none. Until the `hello` of a connection, the stored list."""
        hello = self.connection.hello if self.connection else None
        return self.robot.workflows if hello is None else listed_workflows(hello)

    @property
    def connected_at(self) -> Instant | None:
        return self.connection.connected_at if self.connection else None

    @property
    def version(self) -> str:
        """The version of its `hello`; empty if none."""
        hello = self.connection.hello if self.connection else None
        return (hello.version if hello else None) or ""

    @property
    def capabilities(self) -> tuple[str, ...]:
        """The capabilities of its `hello`."""
        hello = self.connection.hello if self.connection else None
        return tuple((hello.capabilities if hello else None) or ())

    def availability(self, now: float) -> Availability:
        """Whether it takes a job at `now` (monotonic), and if not, why. Draining outlives its connections."""
        status = self.status
        if (self.connection is None and not self.elsewhere) or status is _OFFLINE:
            return Availability.OFFLINE
        if self.robot.draining_at is not None:
            return Availability.DRAINING
        if now < self.skip_until:
            return Availability.UNRESPONSIVE
        return _OCCUPIED if status is _BUSY else _AVAILABLE

    def slot(self, now: float) -> Slot | None:
        """The slot that it offers at `now` (monotonic); `None` when it cannot take a job."""
        connection = self.connection
        if connection is None or now < connection.offers_after or connection.withheld:
            return None
        if self.availability(now) is not _AVAILABLE:
            return None
        return Slot(
            robot_id=self.robot.robot_id,
            session_id=connection.session.session_id,
            profile=self.profile,
            free=self.free_slots,
            capacity=self.capacity,
            claim_ack=connection.claim_ack,
            process=connection.process,
            idle_since=self.idle_since,
        )

    # Changes

    def send_restart(self, now: Instant, *, again: bool) -> None:
        """Send the requested restart, if there is one. `again`: also if this connection was sent it already."""
        connection, command = self.connection, restart_message(self.robot, now)
        if connection is not None and command is not None and (again or connection.sent_restart != command.command_id):
            connection.sent_restart = command.command_id
            connection.session.send(command)

    def mark_changed(self) -> None:
        """Compute `status` and `current_job` again, and invalidate the entries of this robot in the fleet's indexes."""
        present = self.connection is not None or self.returning or self.elsewhere
        free_slots = self.capacity - len(self.held)
        self.status = status_of(connected=present, reported=self.reported_status, free_slots=free_slots)
        self.current_job = None
        for job_id, held in self.held.items():
            if held is not _PENDING:
                self.current_job = job_id
                break
        robot_id = self.robot.robot_id
        self.dirty.for_slots.add(robot_id)
        self.dirty.for_availability.add(robot_id)

    def _derive(self) -> None:
        """Compute `capacity` and `profile` again."""
        hello = self.connection.hello if self.connection else None
        wanted = hello.max_concurrent_jobs if hello else None
        stored = self.robot.max_concurrent_jobs
        self.capacity = stored or 1 if wanted is None else min(wanted, stored or MAX_SLOTS_WITHOUT_LIMIT)
        workflows, refused = self.workflows, self.refused_workflows
        if workflows is not None and refused:
            workflows, refused = tuple(name for name in workflows if name not in refused), frozenset()
        self.profile = profile_of(self.robot.tenant_id, self.tags, workflows, refused, self.tags_not_allowed)

    def set_profile(self, robot: Robot) -> None:
        self.robot = robot
        self._derive()
        self.mark_changed()

    def restore(self, stored: LastHeartbeat) -> None:
        """After a restart of the server: begin with the stored signs of life."""
        self.cpu_percent, self.memory_mb = stored.cpu_percent, stored.memory_mb
        self.last_heartbeat_at, self.last_seen_at = stored.last_heartbeat_at, stored.last_seen_at
        self.clock_skew_seconds = stored.clock_skew_seconds
        self.mark_changed()

    def expect_return(self, reported: RobotStatus | None) -> None:
        """After a restart of the server: it was connected until then."""
        self.returning, self.reported_status = True, reported
        self.mark_changed()

    def stop_expecting_return(self) -> None:
        self.returning, self.reported_status = False, None
        self.mark_changed()

    def follow_elsewhere(self, stored: StoredSession | None) -> bool:
        """Follow the robot at another instance by its stored signs of life, until `None`. Whether anything changed."""
        if stored is None:
            changed, self.elsewhere = self.elsewhere, False
            if changed:
                self.reported_status = None
                self.mark_changed()
            return changed
        signs = (stored.reported_status, stored.cpu_percent, stored.memory_mb, stored.last_heartbeat_at)
        changed = not self.elsewhere or signs != (
            self.reported_status,
            self.cpu_percent,
            self.memory_mb,
            self.last_heartbeat_at,
        )
        self.reported_status, self.cpu_percent, self.memory_mb, self.last_heartbeat_at = signs
        self.last_seen_at, self.clock_skew_seconds = stored.last_seen_at, stored.clock_skew_seconds
        self.elsewhere, self.returning = True, False
        if changed:
            self.mark_changed()
        beat_at = stored.last_heartbeat_at
        if beat_at is not None and beat_at > self.heartbeats.newest_at:
            self.heartbeats.add(PastHeartbeat(beat_at, self.status, self.cpu_percent, self.memory_mb))
        return changed

    def connect(self, connection: RobotConnection, held: Mapping[str, JobStatus], now: float) -> None:
        """Begin a connection. Messages of an earlier connection no longer count."""
        self.connection = connection
        self.refused_workflows = frozenset()
        self._derive()
        self.reported_status, self.returning, self.assumed_busy_at = None, False, None
        self.elsewhere = False
        self.idle_since = now
        self.last_seen_at = connection.connected_at
        self.hold(held)

    def disconnect(self, at: Instant) -> None:
        self.connection = None
        self._derive()
        self.last_seen_at = at
        self.mark_changed()

    def introduce(self, hello: Hello, now: float) -> None:
        """Apply the `hello` of the robot, which gets offers from now on."""
        if self.connection is not None:
            self.connection.hello = hello
            self.connection.process = process_of(hello)
            self.connection.claim_ack = Feature.CLAIM_ACK in (hello.features or ())
            self.refused_workflows = frozenset()
            self._derive()
        self.accept_offers(now)

    def accept_offers(self, after: float) -> None:
        """Allow offers to the robot from `after` on (monotonic seconds)."""
        if self.connection is not None:
            self.connection.offers_after = after
        self.mark_changed()

    def take_heartbeat(self, heartbeat: Heartbeat, at: Instant, clock_skew_seconds: float | None) -> None:
        if heartbeat.cpu_percent is not None:
            self.cpu_percent = heartbeat.cpu_percent
        if heartbeat.memory_mb is not None:
            self.memory_mb = heartbeat.memory_mb
        self.clock_skew_seconds = clock_skew_seconds
        self.last_heartbeat_at = self.last_seen_at = at
        connection = self.connection
        withheld = connection is not None and connection.withheld
        if heartbeat.status is not None:
            self.assumed_busy_at = None
        # Most heartbeats repeat the status: no index changes.
        if withheld or heartbeat.status not in (None, self.reported_status):
            self.reported_status = heartbeat.status or self.reported_status
            if connection is not None:
                connection.withheld = False
            self.mark_changed()
        self.heartbeats.add(PastHeartbeat(at, self.status, self.cpu_percent, self.memory_mb))

    def set_reported_status(self, reported: RobotStatus | None) -> None:
        """Set the reported status until the next heartbeat."""
        self.reported_status = reported
        self.mark_changed()

    def assume_busy(self, now: float) -> None:
        """After an end that it did not confirm, the robot may still be at work: no new job until a heartbeat says idle.

        A robot of which no heartbeat with a status is accepted counts as idle again after five minutes.
        """
        self.assumed_busy_at = now
        self.set_reported_status(RobotStatus.BUSY)

    def stop_assuming_busy(self, now: float) -> bool:
        """End an assumption that is five minutes old; returns whether it did."""
        if self.assumed_busy_at is None or now - self.assumed_busy_at < ASSUMED_BUSY_SECONDS:
            return False
        self.assumed_busy_at = None
        self.set_reported_status(None)
        return True

    def refuse_workflow(self, workflow_id: str) -> None:
        """Offer no more jobs of a workflow that the robot does not have, until its next `hello` or connection."""
        self.refused_workflows |= {workflow_id}
        self._derive()
        self.mark_changed()

    def become_idle(self, now: float) -> None:
        """Mark the robot as idle from `now` on (monotonic). Robots that are idle for longer get jobs first."""
        self.idle_since = now
        self.mark_changed()

    def hold(self, held: Mapping[str, JobStatus]) -> None:
        """Replace the held jobs by the jobs in the store."""
        self.held = dict(held)
        self.mark_changed()

    def follow_jobs(self, jobs: Iterable[Job], now: float) -> None:
        """Follow committed changes of jobs that it holds, held or is about to hold, in the order of the changes."""
        for job in jobs:
            if job.finished_at is None and job.robot_id == self.robot.robot_id and job.phase in HELD_PHASES:
                self.held[job.job_id] = job.status
            elif self.held.pop(job.job_id, None) is not None:
                self.idle_since = now
                if job.unconfirmed:
                    self.assume_busy(now)
        self.mark_changed()

    def miss_offer(self, job_id: str, attempt: int, now: float) -> bool:
        """Count an offer that it left unanswered; returns whether it is skipped for a minute from now on.

        An offer counts once, however often its event arrives.
        """
        if (job_id, attempt) not in self._missed_offers:
            self._missed_offers.append((job_id, attempt))
        if len(self._missed_offers) < MISSED_OFFERS:
            return False
        self._missed_offers.clear()
        self.skip_until = now + SKIP_SECONDS
        self.mark_changed()
        return True

    def answer_offer(self) -> None:
        """Reset the count of missed offers, because the robot answered one."""
        self._missed_offers.clear()

    def stop_skipping(self) -> None:
        """Offer jobs again to a robot that was skipped, because an admin resumed it."""
        self._missed_offers.clear()
        self.skip_until = 0.0
        self.mark_changed()


def listed_workflows(hello: Hello) -> tuple[str, ...] | None:
    """The workflows of a `hello`, sorted and once each; `None` if it has no list."""
    return tuple(sorted(set(hello.workflows))) if isinstance(hello.workflows, list) else None


def state_message(live: LiveRobot, now: Instant) -> RobotState:
    """The `robot_status` for dashboards."""
    return RobotState(
        robot_id=live.robot.robot_id,
        status=live.status,
        cpu_percent=wire_number(live.cpu_percent),
        memory_mb=round(live.memory_mb),
        current_job=live.current_job,
        timestamp=rfc3339(now),
        last_heartbeat_at=rfc3339(live.last_heartbeat_at) if live.last_heartbeat_at is not None else None,
        clock_skew_seconds=wire_number(live.clock_skew_seconds) if live.clock_skew_seconds is not None else UNSET,
        draining=True if live.robot.draining_at is not None else UNSET,
    )


def heartbeat_message(live: LiveRobot, now: Instant) -> RobotHeartbeat:
    """The flat `robot_heartbeat` of /ws/monitoring/robot-status."""
    return RobotHeartbeat(
        robot_id=live.robot.robot_id,
        status=live.status,
        cpu_percent=wire_number(live.cpu_percent),
        memory_mb=wire_number(live.memory_mb),
        timestamp=rfc3339(now),
    )
