"""Detects two processes that use the identity of one robot, whether they send `hello` or not.

Each detection is logged as an error and written to the audit trail, from which the overview shows it for a day.
Source: docs/reference/websocket-contract.md, The same robot twice.
"""

import logging
from collections import deque
from dataclasses import dataclass, field

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.vocabulary import CloseCode, JobStatus
from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.live_robot import LiveRobot, RobotConnection

logger = logging.getLogger(__name__)

TAKEOVERS_PER_MINUTE = 3
RECORDED_SECONDS = 3600.0
"""How often one kind of detection is recorded for a robot."""
SILENT_SECONDS = 5.0
"""A connection that sent no `hello` for so long has no process, as far as the server knows."""
DUPLICATE_IDENTITY = "duplicate_identity"
ROBOT_TAKEN_OVER = "robot_taken_over"
_ADVICE = "start each robot process with an id and a key of its own, and revoke a key that is used elsewhere"


@dataclass(slots=True)
class _Seen:
    """The observations of one robot. A takeover is (monotonic seconds, instance of the replaced connection)."""

    takeovers: deque[tuple[float, str | None]] = field(default_factory=deque)
    recorded: dict[str, float] = field(default_factory=dict)


class IdentityWatch:
    """Counts takeovers per robot, and compares the process of a new connection with that of the jobs it finds."""

    def __init__(self, store: AdminStore, fleet: Fleet, clock: Clock) -> None:
        self._store = store
        self._fleet = fleet
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        self._silent: deque[tuple[float, RobotConnection]] = deque()

    async def refuse_duplicate(self, live: LiveRobot, address: str) -> None:
        """Refuse a connection when processes of one robot replaced each other more than three times in a minute.

        Connections without `hello` have no identity of their own, so each takeover of one counts.

        Raises:
            AuthError: the connected process stays.
        """
        robot_id = live.robot.robot_id
        seen = self._seen.get(robot_id)
        if seen is None or live.connection is None:
            return
        since = self._clock.monotonic() - 60.0
        while seen.takeovers and seen.takeovers[0][0] < since:
            seen.takeovers.popleft()
        instances = {instance for _, instance in seen.takeovers}
        if len(seen.takeovers) <= TAKEOVERS_PER_MINUTE or (len(instances) == 1 and None not in instances):
            return
        here = live.connection.session.address
        note = f"two processes replace each other, connected from {here}; refused one from {address}; {_ADVICE}"
        await self._record(DUPLICATE_IDENTITY, robot_id, note)
        raise AuthError("duplicate identity: another process is connected as this robot", CloseCode.FORBIDDEN)

    def note_takeover(self, live: LiveRobot) -> None:
        """Note that the open connection of a robot is being replaced."""
        if live.connection is not None:
            hello = live.connection.hello
            seen = self._seen.setdefault(live.robot.robot_id, _Seen())
            seen.takeovers.append((self._clock.monotonic(), None if hello is None else hello.instance_id))

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
        seen, now = self._seen.setdefault(robot_id, _Seen()), self._clock.monotonic()
        if now - seen.recorded.get(action, -RECORDED_SECONDS) < RECORDED_SECONDS:
            return
        logger.error("robot %s: %s: %s", robot_id, action.replace("_", " "), note)
        await self._store.record_audit(NewAudit(self._clock.now(), "server", action, robot_id, note))
        seen.recorded[action] = now
