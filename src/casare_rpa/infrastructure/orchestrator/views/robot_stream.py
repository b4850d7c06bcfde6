"""The streams of robots and of queue metrics for viewers: a snapshot, then each change."""

import asyncio
import zlib
from contextlib import suppress
from functools import lru_cache
from typing import Protocol

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.instants import rfc3339
from casare_rpa.domain.statistics import Counts
from casare_rpa.domain.vocabulary import Channel
from casare_rpa.infrastructure.orchestrator.bus.events import (
    EventBus,
    JobsAdded,
    JobsChanged,
    QueueChanged,
    RobotChanged,
)
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.hub.outbox import OutboundMessage, Policy, outgoing
from casare_rpa.infrastructure.orchestrator.hub.session import Session
from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore
from casare_rpa.infrastructure.orchestrator.ports.bus import Hint
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobReader
from casare_rpa.infrastructure.orchestrator.ports.statistics import StatisticsStore
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.live_robot import LiveRobot, heartbeat_message, state_message
from casare_rpa.infrastructure.orchestrator.views.channels import QUEUE_DEPTH, ROBOT_STATUS, audience

METRICS_SECONDS = 5.0
METRICS_GAP_SECONDS = 1.0
LOOK_SECONDS = 0.5
LOOKS = round((METRICS_SECONDS - METRICS_GAP_SECONDS) / LOOK_SECONDS)
SPREAD_SECONDS = 0.25
TURNS = round(METRICS_SECONDS / SPREAD_SECONDS)


class RobotStreamStore(StatisticsStore, AdminStore, JobReader, Protocol):
    """The ports of the store that `RobotStream` uses."""


class RobotStream:
    """Turns changes of robots and queues into messages: each is encoded once, for all viewers."""

    def __init__(
        self,
        store: RobotStreamStore,
        bus: EventBus,
        hub: Hub,
        fleet: Fleet,
        clock: Clock,
        *,
        shared: bool = False,
    ) -> None:
        """`shared`: other instances may write to the store."""
        self._shared = shared
        self._store = store
        self._hub = hub
        self._fleet = fleet
        self._clock = clock
        self._metrics_wanted = asyncio.Event()
        self._one_figure = asyncio.Lock()
        """Held from the reading of figures to their delivery, so that a new viewer misses no change."""
        self._looked = (0, 0)
        """The newest audit entry and the newest change of a job at the last look."""
        self._last_turn = 0
        self._shown: dict[str, tuple[object, ...]] = {}
        """The state of each robot that dashboards got last, apart from figures."""
        bus.subscribe(self._receive)

    def _receive(self, event: JobsAdded | JobsChanged | RobotChanged | QueueChanged | Hint) -> None:
        match event:
            case RobotChanged(robot_id):
                live = self._fleet.get(robot_id)
                if live is not None:
                    self._show_robot(live)
            case JobsChanged(changes):
                if any(change.before.status is not change.job.status for change in changes):
                    self._metrics_wanted.set()
            case JobsAdded() | QueueChanged():
                self._metrics_wanted.set()
            case Hint(jobs=jobs, queues=queues):
                if jobs or queues:
                    self._metrics_wanted.set()

    # Robots

    def _show_robot(self, live: LiveRobot) -> None:
        watched = self._hub.groups
        if not watched:  # no viewer of anything
            return
        for tenant_id in (None, live.robot.tenant_id):
            # `audience` and `listens` inline: this runs for each heartbeat
            if (robots := (Channel.ROBOTS, tenant_id)) in watched:
                self._shown[live.robot.robot_id] = _seen(live)
                self._hub.publish(robots, self._state(live))
            if (status := (ROBOT_STATUS, tenant_id)) in watched:
                self._hub.publish(status, self._heartbeat(live))

    def _state(self, live: LiveRobot) -> OutboundMessage:
        json = codec.encode(state_message(live, self._clock.now()))
        return outgoing(json, Policy.LATEST, live.robot.robot_id)

    def _heartbeat(self, live: LiveRobot) -> OutboundMessage:
        json = codec.encode(heartbeat_message(live, self._clock.now()))
        return outgoing(json, Policy.LATEST, live.robot.robot_id)

    def send_robots(self, session: Session, tenant_id: str | None, *, flat: bool = False) -> None:
        """Send a snapshot: every robot to dashboards; to the `flat` stream, those seen within a day."""
        chosen = self._fleet.visible(tenant_id, self._clock.now()) if flat else self._fleet.robots_of(tenant_id)
        for live in chosen:
            if not flat:
                self._shown.setdefault(live.robot.robot_id, _seen(live))
            session.deliver(self._heartbeat(live) if flat else self._state(live))

    async def spread_robots(self) -> None:
        """One round: show the robots whose turn it is. Each has one turn in five seconds; ids spread them evenly."""
        now = int(self._clock.monotonic() / SPREAD_SECONDS)
        turns = {turn % TURNS for turn in range(max(self._last_turn, now - TURNS) + 1, now + 1)}
        self._last_turn = now
        watched = {wanted[0] for wanted in self._hub.audiences() if isinstance(wanted, tuple)}
        if ROBOT_STATUS in watched:
            for live in self._fleet.visible(None, self._clock.now()):
                if _turn_of(live.robot.robot_id) in turns:
                    self._show_heartbeat(live)
        if Channel.ROBOTS in watched:
            for live in self._fleet.robots_of(None):
                if _turn_of(live.robot.robot_id) in turns and self._shown.get(live.robot.robot_id) != _seen(live):
                    self._show_robot(live)  # the event of its last change was lost

    def _show_heartbeat(self, live: LiveRobot) -> None:
        message = self._heartbeat(live)
        for tenant_id in (None, live.robot.tenant_id):
            self._hub.publish(audience(ROBOT_STATUS, tenant_id), message)

    # The queue

    async def show_metrics(self) -> None:
        """One round: wait for a change, an audit entry or five seconds, then publish to every audience.

        At most one message a second is published.
        """
        await self._metrics_due()
        self._metrics_wanted.clear()
        async with self._one_figure:
            for stream in (Channel.QUEUE, QUEUE_DEPTH):
                for wanted in self._watching(stream):
                    self._hub.publish(wanted, await self._metrics(stream, wanted[1]))
        await self._clock.sleep(METRICS_GAP_SECONDS)

    async def _metrics_due(self) -> None:
        """Wait for a change or the end of the interval.

        Changes that another instance may have made are read from the store: entries of the audit trail, and changes of
        jobs, because a hint can be lost.
        """
        for _ in range(LOOKS):
            if self._watching(Channel.QUEUE) or (self._shared and self._watching(QUEUE_DEPTH)):
                changed = (await self._store.stream()).last if self._shared else 0
                shown, self._looked = self._looked, (await self._store.last_audit_id(), changed)
                if self._looked != shown:
                    return
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._metrics_wanted.wait()
                    return

    def _watching(self, stream: str) -> list[tuple[str, str | None]]:
        """The audiences of a stream."""
        return [wanted for wanted in self._hub.audiences() if isinstance(wanted, tuple) and wanted[0] == stream]

    async def _metrics(self, stream: str, tenant_id: str | None) -> OutboundMessage:
        now = self._clock.now()
        counts = await self._store.counts(tenant_id, now)
        if stream == QUEUE_DEPTH:
            depth = protocol.QueueDepth(depth=counts.pending, timestamp=rfc3339(now))
            return outgoing(codec.encode(depth), Policy.LATEST, stream)
        return outgoing(codec.encode(await self._queue_message(counts)), Policy.LATEST, stream)

    async def _queue_message(self, counts: Counts) -> protocol.QueueMetrics:
        return protocol.QueueMetrics(
            pending=counts.pending,
            running=counts.running,
            claimed=counts.claimed,
            completed_24h=counts.completed_24h,
            failed_24h=counts.failed_24h,
            timestamp=rfc3339(self._clock.now()),
            paused=[paused.queue for paused in await self._store.paused_queues()],
            audit_id=await self._store.last_audit_id(),
        )

    async def join_metrics(self, session: Session, stream: str, tenant_id: str | None) -> None:
        """Send the present figures of the queue, and subscribe. A later change is in the next published figures."""
        async with self._one_figure:
            session.deliver(await self._metrics(stream, tenant_id))
            self._hub.subscribe(session, audience(stream, tenant_id))


def _seen(live: LiveRobot) -> tuple[object, ...]:
    return (live.status, live.current_job, live.robot.draining_at)


@lru_cache(maxsize=100_000)
def _turn_of(robot_id: str) -> int:
    return zlib.crc32(robot_id.encode()) % TURNS
