"""The part of the SQLite store on instances of the server, and writes that belong to a session of a robot."""

import sqlite3
from collections.abc import Callable, Sequence

from casare_rpa.domain.credentials import LoginSession
from casare_rpa.domain.instance_orders import Orders
from casare_rpa.domain.stored_state import StoredSession
from casare_rpa.infrastructure.orchestrator.storage.batcher import Batcher
from casare_rpa.infrastructure.orchestrator.storage.cold import fleet_rows
from casare_rpa.infrastructure.orchestrator.storage.sqlite import id_lists, order_rows, session_rows
from casare_rpa.infrastructure.orchestrator.storage.sqlite.readers import Readers
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits
from casare_rpa.infrastructure.orchestrator.storage.tables.job_tables import JobTables


class InstanceTables(JobTables):
    """Implements a part of `ports.instances.InstanceStore` and of `ports.robots.RobotStore`."""

    def __init__(self, batcher: Batcher[sqlite3.Connection], readers: Readers, limits: StoreLimits) -> None:
        super().__init__(readers, batcher, limits)
        self._batcher = batcher
        self._readers = readers

    async def hold_name(self, name: str) -> bool:  # noqa: ARG002 - the file lock admits one instance of any name
        return True

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

    async def logins(self, login_ids: Sequence[str]) -> list[LoginSession]:
        return await self._readers.look_up(lambda c: id_lists.logins_by_id(c, login_ids))

    async def spent(self, ticket_ids: Sequence[str]) -> set[str]:
        return await self._readers.look_up(lambda c: id_lists.spent_tickets(c, ticket_ids))
