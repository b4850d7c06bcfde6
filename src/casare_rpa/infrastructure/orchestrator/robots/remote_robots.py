"""Robots that are connected to other instances, so that each instance shows and counts the whole fleet."""

from collections.abc import Iterable

from casare_rpa.domain.robot_sessions import SessionKey
from casare_rpa.domain.stored_state import StoredSession
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus, RobotChanged
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.instances import InstanceStore
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.resync import COMPARED_AT_ONCE


class RemoteRobots:
    """A copy of the open sessions. It also ends sessions of this instance that have no connection."""

    def __init__(self, store: InstanceStore, bus: EventBus, fleet: Fleet, clock: Clock, instance: str) -> None:
        self._store = store
        self._bus = bus
        self._fleet = fleet
        self._clock = clock
        self._instance = instance
        self._unconnected: set[SessionKey] = set()

    async def compare(self) -> None:
        sessions = await self._store.open_sessions()
        await self._end_unconnected(one for one in sessions if one.instance == self._instance)
        elsewhere = {one.robot_id: one for one in sessions if one.instance != self._instance}
        for number, live in enumerate(self._fleet.robots_of(None), 1):
            if number % COMPARED_AT_ONCE == 0:
                await self._clock.sleep(0)  # ten thousand in a row would block the event loop
            stored = elsewhere.get(live.robot.robot_id)
            if live.connection is not None or (stored is None and not live.elsewhere):
                continue
            if live.follow_elsewhere(stored):
                self._bus.publish(RobotChanged(live.robot.robot_id))

    async def _end_unconnected(self, own: Iterable[StoredSession]) -> None:
        """End sessions that had no connection in two rounds: the connection ended while it began, or unwritten."""
        unconnected = {(one.robot_id, one.session_id) for one in own if self._connected(one.robot_id) != one.session_id}
        over = unconnected & self._unconnected
        self._unconnected = unconnected
        if over:
            await self._store.leave(sorted(over))

    def _connected(self, robot_id: str) -> str | None:
        live = self._fleet.get(robot_id)
        return None if live is None or live.connection is None else live.connection.session.session_id
