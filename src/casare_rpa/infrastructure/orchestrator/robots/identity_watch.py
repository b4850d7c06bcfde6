"""Detects two processes that use the identity of one robot, whether they send `hello` or not.

Each detection is logged as an error and written to the audit trail, from which the overview shows it for a day.
Source: docs/reference/websocket-contract.md, The same robot twice.
"""

import logging
from collections import deque
from typing import NoReturn

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.vocabulary import CloseCode, JobStatus
from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.live_robot import LiveRobot, RobotConnection

logger = logging.getLogger(__name__)

RECORDED_SECONDS = 3600.0
"""How often one kind of detection is recorded for a robot."""
SILENT_SECONDS = 5.0
"""A connection that sent no `hello` for so long has no process, as far as the server knows."""
DUPLICATE_IDENTITY = "duplicate_identity"
ROBOT_TAKEN_OVER = "robot_taken_over"
_ADVICE = "start each robot process with an id and a key of its own, and revoke a key that is used elsewhere"


class IdentityWatch:
    """Records takeovers, and compares the process of a new connection with that of the jobs it finds."""

    def __init__(self, store: AdminStore, fleet: Fleet, clock: Clock) -> None:
        self._store = store
        self._fleet = fleet
        self._clock = clock
        self._recorded: dict[tuple[str, str], float] = {}
        self._silent: deque[tuple[float, RobotConnection]] = deque()

    async def refuse_duplicate(self, live: LiveRobot, address: str) -> NoReturn:
        """Record a connection that the store refused, because processes of one robot replace each other.

        Raises:
            AuthError: the connected process stays.
        """
        connected = "" if live.connection is None else f", connected from {live.connection.session.address}"
        note = f"two processes replace each other{connected}; refused one from {address}; {_ADVICE}"
        await self._record(DUPLICATE_IDENTITY, live.robot.robot_id, note)
        raise AuthError("duplicate identity: another process is connected as this robot", CloseCode.FORBIDDEN)

    def await_hello(self, connection: RobotConnection) -> None:
        """Examine a connection without `hello` after 5 s, because a `hello` may be late."""
        self._silent.append((self._clock.monotonic() + SILENT_SECONDS, connection))

    async def examine_silent(self) -> None:
        """Examine the connections whose `hello` is overdue."""
        while self._silent and self._silent[0][0] <= self._clock.monotonic():
            _, connection = self._silent.popleft()
            live = self._fleet.get(connection.robot_id)
            if live is not None and live.connection is connection and connection.hello is None:
                await self.examine(live, connection)

    async def examine(self, live: LiveRobot, connection: RobotConnection) -> None:
        """Record that another process took over the robot: while it worked, or without the `hello` that it had sent.

        Processes without `hello` are distinguished by their addresses.
        """
        at_work = {job_id for job_id, status in live.held.items() if status is not JobStatus.PENDING}
        taken = at_work & connection.foreign
        before, connection.replaced = connection.replaced, None
        silenced = before is not None and before.process is not None and connection.process is None
        if before is not None and before.process is None and connection.process is None:
            taken = at_work if before.session.address != connection.session.address else set()
        if not taken and not silenced:
            return
        earlier = "" if before is None else f", the earlier one from {before.session.address}"
        note = f"another process connected from {connection.session.address}{earlier}"
        if taken:
            note += f", while the robot worked on {', '.join(sorted(taken)[:3])}"
        await self._record(ROBOT_TAKEN_OVER, connection.robot_id, f"{note}; {_ADVICE}")

    async def _record(self, action: str, robot_id: str, note: str) -> None:
        now = self._clock.monotonic()
        if now - self._recorded.get((robot_id, action), -RECORDED_SECONDS) < RECORDED_SECONDS:
            return
        logger.error("robot %s: %s: %s", robot_id, action.replace("_", " "), note)
        await self._store.record_audit(NewAudit(self._clock.now(), "server", action, robot_id, note))
        self._recorded[robot_id, action] = now
