"""Presence of robots: connect, heartbeat, disconnect. All changes of jobs go through the table, in the store."""

import asyncio
import logging
from collections.abc import Awaitable, Iterable, Sequence
from typing import Protocol

from casare_rpa.domain import protocol
from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.fields import wire_number
from casare_rpa.domain.instance_orders import MovedSession
from casare_rpa.domain.instants import Instant, from_datetime, rfc3339, seconds_between
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_messages import held_message
from casare_rpa.domain.limits import WorkLimits
from casare_rpa.domain.liveness import (
    HEARTBEAT_INTERVAL_SECONDS,
    HEARTBEAT_TIMEOUT_SECONDS,
    PING_AFTER_SILENCE_SECONDS,
)
from casare_rpa.domain.robot_records import Beat
from casare_rpa.domain.robot_sessions import BegunSession, Connecting, LostSession
from casare_rpa.domain.robots import Robot
from casare_rpa.domain.stored_state import held_by_robot
from casare_rpa.domain.vocabulary import CloseCode, RobotStatus, ServerFeature
from casare_rpa.infrastructure.orchestrator.bus.events import (
    EventBus,
    JobsChanged,
    JobsOffered,
    OrdersGiven,
    RobotChanged,
    RobotStored,
    WorkAvailable,
)
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.hub.session import Session
from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.instances import InstanceStore
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobReader, JobWriter
from casare_rpa.infrastructure.orchestrator.ports.logs import LogStore
from casare_rpa.infrastructure.orchestrator.ports.robots import RobotStore
from casare_rpa.infrastructure.orchestrator.ports.sockets import Unfinished
from casare_rpa.infrastructure.orchestrator.robots.departures import RETURN_SECONDS, Departures
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.identity_watch import IdentityWatch
from casare_rpa.infrastructure.orchestrator.robots.live_robot import LiveRobot, RobotConnection, listed_workflows
from casare_rpa.infrastructure.orchestrator.robots.reconciler import Reconciler

logger = logging.getLogger(__name__)

HELLO_WAIT_SECONDS = 0.25
"""The wait for the `hello` of a new connection. After it, the robot gets offers without a `hello`."""
CLOCK_SKEW_SECONDS = 30.0
IDLE_SECONDS = 30.0
"""A robot without a list of jobs that says only `idle` for so long after a reconnect has no job."""
WRITTEN_AT_ONCE = 250
WRITE_PAUSE_SECONDS = 0.05
"""Ten thousand heartbeats in one write would delay every other write; so they go in parts, with pauses between."""
CHECKED_AT_ONCE = 500
SILENCE_CHECK_SECONDS = 5.0
"""How often silent connections are looked for. A robot may be silent for 90 s."""


class PresenceStore(RobotStore, InstanceStore, JobReader, JobWriter, LogStore, AdminStore, Protocol):
    """The ports of the store that `Presence` uses."""


class Presence:
    """Connections of robots, from the accepted key to the end of the socket, and their heartbeats."""

    def __init__(
        self,
        store: PresenceStore,
        bus: EventBus,
        hub: Hub,
        fleet: Fleet,
        reconciler: Reconciler,
        clock: Clock,
        instance: str,
    ) -> None:
        """`instance`: the id of this instance, which has the sessions of the robots that connect here."""
        self._instance = instance
        self._store = store
        self._bus = bus
        self._hub = hub
        self._fleet = fleet
        self._reconciler = reconciler
        self._clock = clock
        self._identities = IdentityWatch(store, fleet, clock)
        self._newcomers: asyncio.Queue[RobotConnection] = asyncio.Queue()
        self.departures = Departures(store, bus, clock)
        self._checked_at = float("-inf")
        bus.subscribe(self._jobs_changed)

    async def load(self) -> None:
        """Load every stored robot and its jobs at start. Robots seen just before keep their status for a while."""
        now = self._clock.now()
        for robot in await self._store.robots(None):
            self._fleet.set_profile(robot)
        for stored in await self._store.last_heartbeats():
            live = self._fleet.get(stored.robot_id)
            if live is None:
                continue
            live.restore(stored)
            seen_at = stored.last_seen_at
            if seen_at is not None and seconds_between(seen_at, now) <= RETURN_SECONDS:
                self.departures.expect_return(live, stored.reported_status)
        held = held_by_robot((await self._store.fleet_state()).held)
        for robot_id, jobs in held.items():
            known = self._fleet.get(robot_id)
            if known is not None:
                known.hold(jobs)

    # Connecting

    async def connect(self, session: Session, robot: Robot) -> RobotConnection:
        """Begin the connection of a robot whose key was accepted. It replaces an older one.

        Raises:
            AuthError: two machines compete for this identity; the connected one stays.
            ConnectionAbortedError: the peer has ended the connection, so it replaces none.
        """
        live = self._fleet.set_profile(robot)
        number = await self._begin_session(live, session)
        held = await self._held(live)
        now = self._clock.monotonic()
        connection = RobotConnection(
            robot.robot_id,
            robot.tenant_id,
            session,
            connected_at=self._clock.now(),
            offers_after=now + HELLO_WAIT_SECONDS,
            number=number,
        )
        # No await until `live.connect`: hub and fleet must have the same connection of the robot at any time.
        replaced = live.connection
        if replaced is not None and replaced.number > number:  # a newer session began during the reads
            session.close(CloseCode.REPLACED)
            return connection
        older = self._hub.attach_robot(robot.robot_id, session)
        if older is not None:
            if replaced is not None:
                replaced.replaced = None  # it keeps no earlier connection in memory
            older.close(CloseCode.REPLACED)
            connection.replaced = replaced
        live.connect(connection, {job.job_id: job.status for job in held}, now)
        session.send(self._connected(session, robot.robot_id, held))
        self._bus.publish(RobotChanged(robot.robot_id))
        self._newcomers.put_nowait(connection)
        return connection

    async def _begin_session(self, live: LiveRobot, session: Session) -> int:
        """Make this the newest session of the robot in the store; returns its number.

        A connection that would replace an open one must first show that its peer is there. Behind a proxy, an instance
        that stood still accepts handshakes that were given up; their robot can be connected to another instance.

        Raises:
            AuthError: two processes compete for this identity; the connected one stays.
            ConnectionAbortedError: the peer has ended the connection.
        """
        connected = await self._connect(live, session, only_if_free=True)
        if connected.occupied:
            await session.await_answer()
            connected = await self._connect(live, session, only_if_free=False)
        if connected.refused:
            await self._identities.refuse_duplicate(live, session.address)
        if connected.moved:
            self._bus.publish(OrdersGiven())  # the other instance closes its connection when it reads its orders
        return connected.number

    async def _connect(self, live: LiveRobot, session: Session, *, only_if_free: bool) -> BegunSession:
        replaced_process = live.robot.instance_id  # of a connection to another instance, as far as it sent a `hello`
        if live.connection is not None:
            hello = live.connection.hello
            replaced_process = None if hello is None else hello.instance_id
        return await self._store.connect(
            Connecting(
                robot_id=live.robot.robot_id,
                session_id=session.session_id,
                instance=self._instance,
                at=self._clock.now(),
                replaced_process=replaced_process,
                only_if_free=only_if_free,
            )
        )

    async def _held(self, live: LiveRobot) -> list[Job]:
        """The jobs of the robot in the store."""
        # A job that ends between the read and its use would take a slot until the next comparison with the store, and
        # `connected` would name it. The read is therefore repeated until no job of the robot changed during it.
        while True:
            changes = live.changes
            held = await self._store.held_jobs(live.robot.robot_id)
            if live.changes == changes:
                return held

    def _connected(self, session: Session, robot_id: str, held: Sequence[Job]) -> protocol.Connected:
        rate = session.limits.rate
        notice = None
        if rate is not None:
            notice = protocol.RateLimitNotice(
                messages_per_second=wire_number(rate.per_second), burst=wire_number(rate.burst)
            )
        return protocol.Connected(
            robot_id=robot_id,
            session_id=session.session_id,
            heartbeat_interval_seconds=HEARTBEAT_INTERVAL_SECONDS,
            heartbeat_timeout_seconds=HEARTBEAT_TIMEOUT_SECONDS,
            rate_limit=notice,
            max_message_bytes=session.limits.max_message_bytes,
            jobs=[held_message(job) for job in held],
            timestamp=rfc3339(self._clock.now()),
            work_limit=_work_notice(session.limits.work),
            features=[*ServerFeature],
        )

    async def welcome_next(self) -> None:
        """One round: wait for a connection and a moment for its `hello`, then continue without one (a 1.0 robot)."""
        connection = await self._newcomers.get()
        await self._clock.sleep(max(0.0, connection.offers_after - self._clock.monotonic()))
        live = self._current(connection)
        if live is not None:
            live.accept_offers(after=0.0)  # not `now`: a timer can fire slightly early
            if connection.hello is None:
                self._identities.await_hello(connection)
                await self._reconciler.return_offers(connection)
                await self._reconciler.remind(connection)
        self._bus.publish(WorkAvailable())

    async def introduce(self, connection: RobotConnection, hello: protocol.Hello) -> None:
        """Apply the `hello` of a robot: profile, process, journal, and the jobs it still holds."""
        live = self._current(connection)
        if live is None:
            return
        live.introduce(hello, self._clock.monotonic())
        same_process = live.robot.instance_id == hello.instance_id
        if not same_process:
            await self._store.introduce(connection.robot_id, hello.instance_id, connection.session.session_id)
            self._bus.publish(RobotStored(connection.robot_id))
        # `introduce` also completes a requested restart in the stored row, so the row is read again.
        if await self._listed(live, listed_workflows(hello)) or not same_process:
            await self._reload(connection.robot_id)
        if isinstance(hello.log_journal, str):
            await self._store.open_journal(connection.robot_id, hello.log_journal, connection.session.session_id)
        if not isinstance(hello.active_jobs, list):
            if not same_process:
                await self._reconciler.reconcile(connection, set())
            else:
                await self._reconciler.return_offers(connection)
        else:
            connection.active_jobs = tuple((active.job_id, active.attempt) for active in hello.active_jobs)
            await self._reconciler.reconcile(connection, set(connection.active_jobs))
        await self._reconciler.remind(connection)
        await self._identities.examine(live, connection)
        self._bus.publish(RobotChanged(connection.robot_id))
        self._bus.publish(WorkAvailable())

    async def _listed(self, live: LiveRobot, workflows: tuple[str, ...] | None) -> bool:
        """Store the workflows that a robot lists; returns whether the stored list was another."""
        if live.robot.workflows == workflows:
            return False
        session_id = live.connection.session.session_id if live.connection is not None else None
        await self._store.list_workflows(live.robot.robot_id, workflows, session_id)
        self._bus.publish(RobotStored(live.robot.robot_id))
        return True

    async def _reload(self, robot_id: str) -> None:
        stored = await self._store.robot(robot_id)
        if stored is not None:
            self._fleet.set_profile(stored)

    # Heartbeats

    def record_heartbeat(self, connection: RobotConnection, heartbeat: protocol.Heartbeat) -> Unfinished:
        """Keep a heartbeat in memory; the next write stores it.

        Returns:
            An awaitable to finish before the robot's next message is read: the reconciliation of its first list.

        Raises:
            ProtocolError: the heartbeat names another robot.
        """
        if heartbeat.robot_id not in (None, connection.robot_id):
            sentence = f"not the robot of this connection; expected {connection.robot_id}, or no robot_id"
            raise ProtocolError(sentence, field="robot_id")
        live = self._current(connection)
        if live is None:
            return None
        now = self._clock.now()
        before = live.status
        said_at = now if heartbeat.timestamp is None else from_datetime(heartbeat.timestamp)
        skew = seconds_between(now, said_at)
        live.take_heartbeat(heartbeat, now, round(skew, 1) if abs(skew) > CLOCK_SKEW_SECONDS else None)
        connection.unwritten_heartbeat = heartbeat
        unfinished = self._reconcile_by_heartbeat(connection, heartbeat)
        if connection.hello is None and live.robot.workflows is not None:
            unfinished = self._forget_list(live, unfinished)
        if unfinished is not None:
            return self._publish_after(unfinished, live, before)
        self._publish_heartbeat(live, before)
        return None

    async def _forget_list(self, live: LiveRobot, unfinished: Unfinished) -> None:
        """Remove the stored list of workflows: a robot that sends heartbeats without a `hello` has no list any more."""
        if unfinished is not None:
            await unfinished
        if await self._listed(live, None):
            await self._reload(live.robot.robot_id)
            self._bus.publish(WorkAvailable())

    def withhold_offers(self, connection: RobotConnection, heartbeat: protocol.Heartbeat) -> None:
        """Stop offers to a robot whose `busy` or `offline` arrived and waits for its turn."""
        mine = heartbeat.robot_id in (None, connection.robot_id)
        live = self._current(connection)
        if live is not None and mine and heartbeat.status in (RobotStatus.BUSY, RobotStatus.OFFLINE):
            connection.withheld = True
            live.mark_changed()

    async def _publish_after(self, unfinished: Awaitable[None], live: LiveRobot, before: RobotStatus) -> None:
        await unfinished
        self._publish_heartbeat(live, before)

    def _publish_heartbeat(self, live: LiveRobot, before: RobotStatus) -> None:
        self._bus.publish(RobotChanged(live.robot.robot_id))
        if before is not RobotStatus.IDLE and live.status is RobotStatus.IDLE:
            live.become_idle(self._clock.monotonic())
            self._bus.publish(WorkAvailable())

    def _reconcile_by_heartbeat(self, connection: RobotConnection, heartbeat: protocol.Heartbeat) -> Unfinished:
        if isinstance(heartbeat.active_jobs, list):
            connection.active_jobs = tuple((active.job_id, active.attempt) for active in heartbeat.active_jobs)
            if connection.reconciled:
                return None
            return self._reconciler.reconcile(connection, set(connection.active_jobs))
        return self._give_up_by_idle(connection, heartbeat)

    def _give_up_by_idle(self, connection: RobotConnection, heartbeat: protocol.Heartbeat) -> Unfinished:
        """T18 for a robot that lists no jobs: it has one slot and said only `idle` for 30 s since it returned."""
        # One `idle` may have crossed an assignment on its way. With more slots `idle` means that there is room.
        now = self._clock.monotonic()
        if heartbeat.status is not RobotStatus.IDLE:
            connection.idle_since = None
            return None
        if connection.idle_since is None:
            connection.idle_since = now
        live = self._current(connection)
        over = now - connection.idle_since >= IDLE_SECONDS
        if not over or connection.active_jobs is not None or live is None or live.capacity != 1:
            return None
        connection.idle_since = now
        return self._reconciler.give_up_all(connection) if live.held else None

    async def write_heartbeats(self) -> None:
        """One round: write the frames and heartbeats of all robots since the last round, some hundreds at once."""
        connected = self._fleet.connected()
        for first in range(0, len(connected), WRITTEN_AT_ONCE):
            if first:
                await self._clock.sleep(WRITE_PAUSE_SECONDS)
            await self._write_heartbeats(connected[first : first + WRITTEN_AT_ONCE])

    async def _write_heartbeats(self, robots: Sequence[LiveRobot]) -> None:
        writing = [
            (live, connection)
            for live in robots
            if (connection := live.connection) is not None and connection.frame_unwritten
        ]
        if not writing:
            return
        now, monotonic = self._clock.now(), self._clock.monotonic()
        beats = [_take_beat(live, connection, connection.seen_at(now, monotonic)) for live, connection in writing]
        written = False
        try:
            lost = await self._store.beat(beats)
            written = True
        finally:
            # Until the write is durable the rescuer must count these leases as renewed (`write_pending`), and after a
            # write that failed too: the frames are part of the next one.
            for _, connection in writing:
                connection.write_pending = False
                connection.frame_unwritten = connection.frame_unwritten or not written
        self.close_lost(lost)

    def close_lost(self, lost: Iterable[LostSession]) -> None:
        """Close connections whose sessions are no longer the newest ones of their robots.

        A robot whose session was ended by another instance, because this one stood still, is asked to connect again.
        """
        for one in lost:
            live = self._fleet.get(one.robot_id)
            if live is None or live.connection is None or live.connection.session.session_id != one.session_id:
                continue
            live.connection.session.close(CloseCode.REPLACED if one.moved else CloseCode.SERVICE_RESTART)

    def close_moved(self, moved: Iterable[MovedSession]) -> None:
        """Close connections that a newer session of their robot replaced, at another instance."""
        for one in moved:
            live = self._fleet.get(one.robot_id)
            if live is not None and live.connection is not None and live.connection.number < one.number:
                live.connection.session.close(CloseCode.REPLACED)

    async def close_silent(self) -> None:
        """One round: close connections that were silent for too long, and ping those without outgoing messages."""
        now = self._clock.monotonic()
        self.departures.stop_expecting_returns()
        if now - self._checked_at < SILENCE_CHECK_SECONDS:
            return
        self._checked_at = now
        await self._identities.examine_silent()
        for number, session in enumerate(self._hub.robots(), 1):
            if number % CHECKED_AT_ONCE == 0:
                await self._clock.sleep(0)  # ten thousand in a row would block the event loop
            if session.silent_seconds(now) > HEARTBEAT_TIMEOUT_SECONDS:
                session.close(CloseCode.HEARTBEAT_TIMEOUT)
            elif now - session.last_sent_at > PING_AFTER_SILENCE_SECONDS:
                session.send(protocol.Ping(timestamp=rfc3339(self._clock.now())))

    # Disconnecting

    async def disconnect(self, connection: RobotConnection) -> None:
        """The connection ended; nothing happens if a newer one replaced it, which owns the jobs now."""
        live = self._current(connection)
        if live is not None:
            await self.departures.end_connection(live)

    # Shared

    def _current(self, connection: RobotConnection) -> LiveRobot | None:
        """The robot of a connection; `None` when another connection replaced it."""
        live = self._fleet.get(connection.robot_id)
        return live if live is not None and live.connection is connection else None

    def _jobs_changed(self, event: JobsOffered | JobsChanged) -> None:
        changes: list[tuple[Job | None, Job]]
        if isinstance(event, JobsOffered):
            changes = [(None, job) for job in event.jobs]
        else:
            changes = [(change.before, change.job) for change in event.changes]
        for robot_id in self._fleet.jobs_changed(changes, self._clock.monotonic()):
            self._bus.publish(RobotChanged(robot_id))


def _take_beat(live: LiveRobot, connection: RobotConnection, seen_at: Instant) -> Beat:
    """The next write about a robot, whose last frame arrived at `seen_at`. Marks its state as being written."""
    heartbeat = connection.unwritten_heartbeat
    connection.frame_unwritten, connection.write_pending = False, True
    connection.unwritten_heartbeat = None
    live.last_seen_at = seen_at  # the same value as in the stored row
    renew_all, active_jobs = connection.active_jobs is None, connection.active_jobs or ()
    if live.last_heartbeat_at is not None:  # a heartbeat may have waited for its turn since it arrived
        live.last_heartbeat_at = min(live.last_heartbeat_at, seen_at)
    if heartbeat is None:
        return Beat(
            connection.robot_id,
            seen_at,
            renew_all,
            active_jobs,
            process=connection.process,
            session_id=connection.session.session_id,
        )
    return Beat(
        robot_id=connection.robot_id,
        seen_at=seen_at,
        renew_all=renew_all,
        active_jobs=active_jobs,
        process=connection.process,
        session_id=connection.session.session_id,
        reported_status=heartbeat.status or live.reported_status,
        cpu_percent=live.cpu_percent,
        memory_mb=live.memory_mb,
        heartbeat_at=live.last_heartbeat_at,
        clock_skew_seconds=live.clock_skew_seconds,
    )


def _work_notice(work: WorkLimits | None) -> protocol.WorkLimitNotice | None:
    if work is None:
        return None
    return protocol.WorkLimitNotice(
        bytes_per_second=work.bytes.per_second if work.bytes else None,
        bytes_burst=work.bytes.burst if work.bytes else None,
        lines_per_second=work.lines.per_second if work.lines else None,
        lines_burst=work.lines.burst if work.lines else None,
    )
