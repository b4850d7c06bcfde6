"""Robots that are connected to other instances, so that each instance shows and counts the whole fleet."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Protocol

from casare_rpa.domain.robot_sessions import SessionKey
from casare_rpa.domain.stored_state import StoredSession
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus, InstanceEnded, RobotChanged
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.instances import InstanceStore
from casare_rpa.infrastructure.orchestrator.ports.robots import RobotStore
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.resync import COMPARED_AT_ONCE

UNCONNECTED_SECONDS = 3.5
"""A connection that begins is stored before memory has it; the answer of the store may take a while."""


class RemoteRobotStore(InstanceStore, RobotStore, Protocol):
    """The ports of the store that `RemoteRobots` uses."""


class RemoteRobots:
    """A copy of the open sessions. It also ends sessions of this instance that have no connection.

    And it closes connections without an open session. Another instance ends the sessions of one that stands still, and
    a robot that sends nothing over its old connection causes no write that would show it.
    """

    def __init__(self, store: RemoteRobotStore, bus: EventBus, fleet: Fleet, clock: Clock, instance: str) -> None:
        self._store = store
        self._bus = bus
        self._fleet = fleet
        self._clock = clock
        self._instance = instance
        self._unconnected: dict[SessionKey, float] = {}
        """Since when each own session has had no connection; monotonic."""
        self._ended: set[SessionKey] = set()
        self._comparing = asyncio.Lock()
        """Rounds follow each other, because a connection is closed after two reads."""
        self._instance_ended = asyncio.Event()
        bus.subscribe(self._receive)

    def _receive(self, _: InstanceEnded) -> None:
        self._instance_ended.set()

    async def compare_after_end(self) -> None:
        """One round: wait until an instance ended, then compare. The next regular round may be seconds away."""
        await self._instance_ended.wait()
        self._instance_ended.clear()
        await self.compare()

    async def compare(self) -> None:
        async with self._comparing:
            await self._compare()

    async def _compare(self) -> None:
        sessions = await self._store.open_sessions()
        await self._end_unconnected(one for one in sessions if one.instance == self._instance)
        self._close_ended({one.robot_id: one.session_id for one in sessions})
        elsewhere = {one.robot_id: one for one in sessions if one.instance != self._instance}
        for robot_id in elsewhere:
            if self._fleet.get(robot_id) is None and (new := await self._store.robot(robot_id)) is not None:
                self._fleet.set_profile(new)  # `Resync` would add it after this round
        for number, live in enumerate(self._fleet.robots_of(None), 1):
            if number % COMPARED_AT_ONCE == 0:
                await self._clock.sleep(0)  # ten thousand in a row would block the event loop
            stored = elsewhere.get(live.robot.robot_id)
            if live.connection is not None or (stored is None and not live.elsewhere):
                continue
            if live.follow_elsewhere(stored):
                self._bus.publish(RobotChanged(live.robot.robot_id))

    async def _end_unconnected(self, own: Iterable[StoredSession]) -> None:
        """End sessions without a connection for 4 seconds: the connection ended while it began, or unwritten."""
        now = self._clock.monotonic()
        unconnected = [(one.robot_id, one.session_id) for one in own if self._connected(one.robot_id) != one.session_id]
        self._unconnected = {key: self._unconnected.get(key, now) for key in unconnected}
        over = [key for key, since in self._unconnected.items() if now - since >= UNCONNECTED_SECONDS]
        if over:
            await self._store.leave(sorted(over))

    def _close_ended(self, stored: Mapping[str, str]) -> None:
        """Close connections that had no open session in two rounds: the first read may be older than the connection."""
        ended = set()
        for live in self._fleet.connected():
            assert live.connection is not None
            session = live.connection.session
            newest = stored.get(live.robot.robot_id)
            if newest == session.session_id:
                continue
            ended.add((live.robot.robot_id, session.session_id))
            if (live.robot.robot_id, session.session_id) in self._ended:
                session.close(CloseCode.SERVICE_RESTART if newest is None else CloseCode.REPLACED)
        self._ended = ended

    def _connected(self, robot_id: str) -> str | None:
        live = self._fleet.get(robot_id)
        return None if live is None or live.connection is None else live.connection.session.session_id
