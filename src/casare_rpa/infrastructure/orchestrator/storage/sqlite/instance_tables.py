"""The part of the SQLite store on instances of the server, and writes that belong to a session of a robot."""

import sqlite3
from collections.abc import Callable

from casare_rpa.domain.instance_orders import Orders
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.robot_sessions import RunningInstance
from casare_rpa.domain.stored_state import StoredSession
from casare_rpa.infrastructure.orchestrator.storage.cold import fleet_rows, instance_rows
from casare_rpa.infrastructure.orchestrator.storage.sqlite import order_rows, session_rows
from casare_rpa.infrastructure.orchestrator.storage.sqlite.login_tables import LoginTables


class InstanceTables(LoginTables):
    """Implements a part of `ports.instances.InstanceStore` and of `ports.robots.RobotStore`."""

    async def hear(self, instance: str, at: Instant) -> list[RunningInstance]:
        return await self._batcher.write(lambda c: instance_rows.hear(c, instance, at))

    async def depart(self, instance: str) -> None:
        await self._batcher.write(lambda c: instance_rows.depart(c, instance))

    async def open_sessions(self) -> list[StoredSession]:
        return await self._readers.read(session_rows.open_sessions)

    async def orders(self, instance: str, after_audit_id: int, limit: int) -> Orders:
        return await self._readers.read(lambda c: order_rows.orders(c, instance, after_audit_id, limit))

    async def _in_session(
        self, robot_id: str, session_id: str | None, act: Callable[[sqlite3.Connection], None]
    ) -> None:
        """Write it, unless this session is not the newest one of its robot."""

        def fenced(connection: sqlite3.Connection) -> None:
            if session_id is None or not session_rows.lost(connection, [(robot_id, session_id)]):
                act(connection)

        await self._batcher.write(fenced)

    async def introduce(self, robot_id: str, instance_id: str, session_id: str | None = None) -> None:
        await self._in_session(robot_id, session_id, lambda c: fleet_rows.introduce(c, robot_id, instance_id))

    async def list_workflows(
        self, robot_id: str, workflows: tuple[str, ...] | None, session_id: str | None = None
    ) -> None:
        await self._in_session(robot_id, session_id, lambda c: fleet_rows.list_workflows(c, robot_id, workflows))
