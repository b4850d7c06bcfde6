"""Slice: presence. Robots come, beat, and go."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence

from casare_rpa.domain import protocol
from casare_rpa.domain.errors import AuthError, ProtocolError
from casare_rpa.domain.instants import Instant, after, from_datetime, rfc3339, seconds_between
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_events import SocketLost
from casare_rpa.domain.job_messages import held_message
from casare_rpa.domain.job_records import Change
from casare_rpa.domain.liveness import (
    HEARTBEAT_INTERVAL_SECONDS,
    HEARTBEAT_TIMEOUT_SECONDS,
    LEASE_SECONDS,
    PING_AFTER_SILENCE_SECONDS,
)
from casare_rpa.domain.protocol import CloseCode, JobStatus, RobotStatus
from casare_rpa.domain.robot_records import Beat
from casare_rpa.domain.robots import Robot
from casare_rpa.infrastructure.orchestrator.bus.events import (
    EventBus,
    JobChanged,
    JobOffered,
    RobotChanged,
    WorkAvailable,
    publish_applied,
)
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.hub.session import Session
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.sockets import Unfinished
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.robots.fleet import (
    CLOCK_SKEW_SECONDS,
    HELLO_WAIT_SECONDS,
    TAKEOVERS_PER_MINUTE,
    Fleet,
    LiveRobot,
    RobotConnection,
)
from casare_rpa.infrastructure.orchestrator.robots.heartbeats import PastHeartbeat
from casare_rpa.infrastructure.orchestrator.robots.reconciler import Reconciler

logger = logging.getLogger(__name__)

RETURN_SECONDS = 10.0
BEATS_AT_ONCE = 250
BEATS_PAUSE_SECONDS = 0.05
"""Ten thousand beats in one write would hold up everybody who has something to say meanwhile."""
SWEPT_AT_ONCE = 500
SILENCE_SECONDS = 5.0
"""How often each robot is looked at for having fallen silent, which it may be for 90 s."""


class Presence:
    """Sessions of robots from `connected` to gone. All jobs are moved by the table, in the store."""

    def __init__(self, store: Store, bus: EventBus, hub: Hub, fleet: Fleet, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._hub = hub
        self._fleet = fleet
        self._clock = clock
        self._reconciler = Reconciler(store, bus, fleet, clock)
        self._newcomers: asyncio.Queue[RobotConnection] = asyncio.Queue()
        self._returning: list[LiveRobot] = []
        self._returned_by = float("inf")
        self._swept_at = float("-inf")
        bus.subscribe(self._job_changed)

    async def load(self) -> None:
        """Learn every stored robot, at start. Those that were here until our restart keep their status for a while."""
        now = self._clock.now()
        for robot in await self._store.robots(None):
            live = self._fleet.put(robot)
            seen = robot.last_seen_at
            if seen is not None and seconds_between(seen, now) <= RETURN_SECONDS:
                live.returning, live.said = True, robot.said
                self._returning.append(live)
        held: dict[str, dict[str, JobStatus]] = {}
        for job in (await self._store.fleet_state()).held:
            held.setdefault(job.robot_id, {})[job.job_id] = job.status
        for robot_id, jobs in held.items():
            known = self._fleet.get(robot_id)
            if known is not None:
                known.held = jobs
        self._returned_by = self._clock.monotonic() + RETURN_SECONDS

    # Coming

    async def connect(self, session: Session, robot: Robot) -> RobotConnection:
        """Take in a robot whose key was accepted: the newest connection wins.

        Raises:
            AuthError: two machines fight over this identity; the one that is here stays.
        """
        live = self._fleet.put(robot)
        self._refuse_flapping(live)
        held = await self._held(live)
        now = self._clock.monotonic()
        older = self._hub.attach_robot(robot.robot_id, session)
        if older is not None:
            self._note_takeover(live, now)
            older.close(CloseCode.REPLACED)
        link = RobotConnection(robot.robot_id, robot.tenant_id, session, offers_after=now + HELLO_WAIT_SECONDS)
        link.connected_at = self._clock.now()
        live.link = link
        live.said, live.returning = None, False
        live.idle_since = now
        live.last_seen_at = self._clock.now()
        self._fleet.hold(robot.robot_id, held)
        session.send(self._connected(session, robot.robot_id, held))
        self._bus.publish(RobotChanged(robot.robot_id))
        self._newcomers.put_nowait(link)
        return link

    async def _held(self, live: LiveRobot) -> list[Job]:
        """What the store says the robot holds, looked up until nothing changed meanwhile: a job that ended between
        the look and its use would take a slot for ever."""
        while True:
            changes = live.changes
            held = await self._store.held_jobs(live.robot.robot_id)
            if live.changes == changes:
                return held

    def _connected(self, session: Session, robot_id: str, held: Sequence[Job]) -> protocol.Connected:
        rate = session.limits.rate
        notice = None
        if rate is not None:
            notice = protocol.RateLimitNotice(messages_per_second=rate.messages_per_second, burst=rate.burst)
        return protocol.Connected(
            robot_id=robot_id,
            session_id=session.session_id,
            heartbeat_interval_seconds=HEARTBEAT_INTERVAL_SECONDS,
            heartbeat_timeout_seconds=HEARTBEAT_TIMEOUT_SECONDS,
            rate_limit=notice,
            max_message_bytes=session.limits.max_message_bytes,
            jobs=[held_message(job) for job in held],
            timestamp=rfc3339(self._clock.now()),
        )

    def _refuse_flapping(self, live: LiveRobot) -> None:
        """Two machines with one robot id would take turns for ever; after some, the incumbent stays."""
        since = self._clock.monotonic() - 60.0
        while live.takeovers and live.takeovers[0][0] < since:
            live.takeovers.popleft()
        instances = {instance for _, instance in live.takeovers}
        if live.link is not None and len(live.takeovers) > TAKEOVERS_PER_MINUTE and len(instances) > 1:
            logger.error("robot %s: duplicate identity, two machines use its key", live.robot.robot_id)
            raise AuthError("duplicate identity: another machine is connected as this robot", CloseCode.FORBIDDEN)

    def _note_takeover(self, live: LiveRobot, now: float) -> None:
        if live.link is not None and live.link.hello is not None:
            live.takeovers.append((now, live.link.hello.instance_id))

    async def welcome(self) -> None:
        """One round: give a newcomer a moment for its `hello`, then go on without."""
        link = await self._newcomers.get()
        await self._clock.sleep(max(0.0, link.offers_after - self._clock.monotonic()))
        link.offers_after = 0.0  # a timer may wake a moment early
        self._fleet.moved(link.robot_id)
        if self._current(link) and link.hello is None:
            await self._reconciler.return_offers(link)
            await self._reconciler.remind(link)
        self._bus.publish(WorkAvailable())

    async def hello(self, link: RobotConnection, hello: protocol.Hello) -> None:
        """The robot introduced itself: profile, process, and what it still holds."""
        live = self._fleet.get(link.robot_id)
        if live is None or not self._current(link):
            return
        link.hello = hello
        link.offers_after = self._clock.monotonic()
        self._fleet.moved(link.robot_id)
        same_process = live.robot.instance_id == hello.instance_id
        if not same_process:
            await self._store.introduce(link.robot_id, hello.instance_id)
            stored = await self._store.robot(link.robot_id)
            if stored is not None:
                self._fleet.put(stored)
        if isinstance(hello.log_journal, str):
            await self._store.open_journal(link.robot_id, hello.log_journal)
        if not isinstance(hello.active_jobs, list):
            if not same_process:
                await self._reconciler.reconcile(link, set())
            else:
                await self._reconciler.return_offers(link)
        else:
            link.active_jobs = tuple((active.job_id, active.attempt) for active in hello.active_jobs)
            await self._reconciler.reconcile(link, set(link.active_jobs))
        await self._reconciler.remind(link)
        self._bus.publish(RobotChanged(link.robot_id))
        self._bus.publish(WorkAvailable())

    # Beating

    def heartbeat(self, link: RobotConnection, beat: protocol.Heartbeat) -> Unfinished:
        """Memory at once, the store in the next batch. What the beat says of jobs for the first time is to be awaited.

        Raises:
            ProtocolError: the heartbeat names another robot.
        """
        if beat.robot_id != link.robot_id:
            raise ProtocolError("not the robot of this connection", field="payload.robot_id")
        live = self._fleet.get(link.robot_id)
        if live is None or not self._current(link):
            return None
        now = self._clock.now()
        was = live.status
        skew = seconds_between(now, from_datetime(beat.timestamp))
        live.clock_skew_seconds = round(skew, 1) if abs(skew) > CLOCK_SKEW_SECONDS else None
        live.cpu_percent, live.memory_mb = beat.cpu_percent, beat.memory_mb
        if live.said is not beat.status:  # said again, it makes nobody look at the robot anew
            live.said = beat.status
        live.last_heartbeat_at = live.last_seen_at = link.heartbeat_at = now
        link.heartbeat = beat
        live.beats.add(PastHeartbeat(now, live.status, beat.cpu_percent, beat.memory_mb))
        unfinished = self._reconcile_by_beat(link, beat)
        if unfinished is not None:
            return self._show_after(unfinished, live, was)
        self._show_beat(live, was)
        return None

    async def _show_after(self, unfinished: Awaitable[None], live: LiveRobot, was: RobotStatus) -> None:
        await unfinished
        self._show_beat(live, was)

    def _show_beat(self, live: LiveRobot, was: RobotStatus) -> None:
        self._bus.publish(RobotChanged(live.robot.robot_id))
        if was is not RobotStatus.IDLE and live.status is RobotStatus.IDLE:
            live.idle_since = self._clock.monotonic()
            self._bus.publish(WorkAvailable())

    def _reconcile_by_beat(self, link: RobotConnection, beat: protocol.Heartbeat) -> Unfinished:
        if isinstance(beat.active_jobs, list):
            link.active_jobs = tuple((active.job_id, active.attempt) for active in beat.active_jobs)
            return None if link.reconciled else self._reconciler.reconcile(link, set(link.active_jobs))
        link.idle_beats = link.idle_beats + 1 if beat.status is RobotStatus.IDLE else 0
        if link.active_jobs is None and link.idle_beats == 2:
            return self._reconciler.give_up_all(link)
        return None

    async def beat(self) -> None:
        """One round: what all robots showed since the last one, some hundreds in one write, between which others go."""
        connected = self._fleet.connected()
        for first in range(0, len(connected), BEATS_AT_ONCE):
            if first:
                await self._clock.sleep(BEATS_PAUSE_SECONDS)
            await self._beat(connected[first : first + BEATS_AT_ONCE])

    async def _beat(self, robots: Sequence[LiveRobot]) -> None:
        """Until it is durable, the rescuer is told that these leases are renewed; when it fails, it is tried again."""
        now = self._clock.now()
        heard = [(live, live.link) for live in robots if live.link is not None and live.link.heard]
        if not heard:
            return
        beats = [_take_beat(live, link, now) for live, link in heard]
        written = False
        try:
            await self._store.beat(beats, after(now, LEASE_SECONDS))
            written = True
        finally:
            for _, link in heard:
                link.beating = False
                link.heard = link.heard or not written

    async def sweep(self) -> None:
        """One round: robots that fell silent are cut, and those that hear nothing from us are pinged."""
        now = self._clock.monotonic()
        if now >= self._returned_by:
            self._give_up_waiting()
        if now - self._swept_at < SILENCE_SECONDS:
            return
        self._swept_at = now
        for number, session in enumerate(self._hub.robots(), 1):
            if number % SWEPT_AT_ONCE == 0:
                await self._clock.sleep(0)  # ten thousand in a row would hold up what others wait for
            if session.silent_seconds(now) > HEARTBEAT_TIMEOUT_SECONDS:
                session.close(CloseCode.HEARTBEAT_TIMEOUT)
            elif now - session.last_sent_at > PING_AFTER_SILENCE_SECONDS:
                session.send(protocol.Ping(timestamp=rfc3339(self._clock.now())))

    def _give_up_waiting(self) -> None:
        """Robots that did not come back after our restart are offline."""
        waited, self._returning = self._returning, []
        for live in waited:
            if live.returning:
                live.returning, live.said = False, None
                self._bus.publish(RobotChanged(live.robot.robot_id))

    # Going

    async def gone(self, link: RobotConnection) -> None:
        """The connection ended. Jobs stay with the robot; their leases decide (T15)."""
        live = self._fleet.get(link.robot_id)
        if live is None or live.link is not link:
            return
        live.link = None
        live.last_seen_at = at = self._clock.now()
        lost = SocketLost(link.session.session_id)
        self._bus.publish(RobotChanged(link.robot_id))
        changes = [Change(job_id, lost, at) for job_id in live.held]
        publish_applied(self._bus, await self._store.apply(changes) if changes else [])

    # Shared

    def _current(self, link: RobotConnection) -> bool:
        live = self._fleet.get(link.robot_id)
        return live is not None and live.link is link

    def _job_changed(self, event: JobOffered | JobChanged) -> None:
        before = event.before if isinstance(event, JobChanged) else None
        for robot_id in self._fleet.job_changed(before, event.job, self._clock.monotonic()):
            self._bus.publish(RobotChanged(robot_id))


def _take_beat(live: LiveRobot, link: RobotConnection, now: Instant) -> Beat:
    said, at = link.heartbeat, link.heartbeat_at
    link.heard, link.beating = False, True
    link.heartbeat = link.heartbeat_at = None
    renew_all, active_jobs = link.active_jobs is None, link.active_jobs or ()
    if said is None:
        return Beat(robot_id=link.robot_id, seen_at=now, renew_all=renew_all, active_jobs=active_jobs)
    return Beat(
        robot_id=link.robot_id,
        seen_at=now,
        renew_all=renew_all,
        active_jobs=active_jobs,
        said=said.status,
        cpu_percent=said.cpu_percent,
        memory_mb=said.memory_mb,
        heartbeat_at=at,
        clock_skew_seconds=live.clock_skew_seconds,
    )
