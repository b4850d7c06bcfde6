"""Connections of robots that have ended: the end is stored, and a robot that will return keeps its last status."""

from typing import Protocol

from casare_rpa.domain.job_events import SocketLost
from casare_rpa.domain.job_records import Change
from casare_rpa.domain.vocabulary import CloseCode, JobStatus, RobotStatus
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus, RobotChanged, publish_applied
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.instances import InstanceStore
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobWriter
from casare_rpa.infrastructure.orchestrator.robots.live_robot import LiveRobot

RETURN_SECONDS = 10.0
"""The time in which a robot is expected to reconnect after a restart of its server."""


class DepartureStore(InstanceStore, JobWriter, Protocol):
    """The ports of the store that `Departures` uses."""


class Departures:
    """Robots that were connected to this instance, or to the process before it."""

    def __init__(self, store: DepartureStore, bus: EventBus, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._returning: list[LiveRobot] = []
        self._returned_by = float("inf")
        self._ending = 0

    @property
    def unwritten(self) -> int:
        """The number of connections that have ended, and whose end is not written yet."""
        return self._ending

    def expect_return(self, live: LiveRobot, reported: RobotStatus | None) -> None:
        """Show this as the status of a robot until it is connected again, or `RETURN_SECONDS` have passed."""
        live.expect_return(reported)
        self._returning.append(live)
        self._returned_by = self._clock.monotonic() + RETURN_SECONDS

    def stop_expecting_returns(self) -> None:
        """Show robots that have not reconnected in time as offline."""
        if self._clock.monotonic() < self._returned_by:
            return
        expected, self._returning = self._returning, []
        self._returned_by = float("inf")
        for live in expected:
            if live.returning:
                live.stop_expecting_return()
                self._bus.publish(RobotChanged(live.robot.robot_id))

    async def end_connection(self, live: LiveRobot) -> None:
        """End the connection of a robot. It keeps its jobs until their leases expire (T15).

        A robot that was asked to connect again (1012) returns within seconds, so its jobs do not count as cut off.
        """
        assert live.connection is not None
        robot_id, session = live.robot.robot_id, live.connection.session
        returns = session.close_code is CloseCode.SERVICE_RESTART
        reported, at = live.reported_status, self._clock.now()
        # In memory first: no job is offered to the robot while the store is slow.
        live.disconnect(at)
        if returns:
            self.expect_return(live, reported)
        self._bus.publish(RobotChanged(robot_id))
        lost = [job_id for job_id, status in live.held.items() if not returns or status is JobStatus.PENDING]
        changes = [Change(job_id, SocketLost(session.session_id), at) for job_id in lost]
        self._ending += 1
        try:
            if changes:
                # In its session: a robot that is already connected elsewhere has not lost contact.
                key = (robot_id, session.session_id)
                publish_applied(self._bus, await self._store.apply(changes, session=key))
            # Last: until then the session is that of this instance, and of another one if this one dies here.
            await self._store.leave([(robot_id, session.session_id)])
        finally:
            self._ending -= 1
