"""The part of the store on PostgreSQL on robots that are connected: sessions, heartbeats, orders."""

import json
from collections.abc import Sequence
from typing import Any

from casare_rpa.domain.instance_orders import Orders
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job_events import SocketLost
from casare_rpa.domain.job_records import Applied, Change
from casare_rpa.domain.robot_records import Beat
from casare_rpa.domain.robot_sessions import BegunSession, Connecting, LostSession, RunningInstance, SessionKey
from casare_rpa.domain.stored_state import StoredSession
from casare_rpa.infrastructure.orchestrator.storage.cold import instance_rows
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.postgres import order_reads
from casare_rpa.infrastructure.orchestrator.storage.postgres.adoptions import AT_ONCE, EndAdopted, FindHeldJobs
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.heartbeats import RecordBeats
from casare_rpa.infrastructure.orchestrator.storage.postgres.job_store import PostgresJobs
from casare_rpa.infrastructure.orchestrator.storage.postgres.mixed_commands import MixedCommands, NamedCall
from casare_rpa.infrastructure.orchestrator.storage.postgres.sessions import (
    BeginSessions,
    EndSessions,
    ProfileWrite,
    WriteProfiles,
)
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits

PLANNED_EACH_TIME = {"plan_cache_mode": "force_custom_plan"}
"""The few large statements of robots get a plan for the tables as they are.

A plan that was made for empty tables, where all indexes cost the same, reads all open jobs for each robot.
"""


class PostgresRobots(PostgresJobs):
    """Implements parts of `ports.instances.InstanceStore` and `ports.robots.RobotStore`.

    An adoption changes jobs, so it needs the part on jobs.
    """

    def __init__(self, target: Target, failpoints: Failpoints, limits: StoreLimits, tally_slot: int) -> None:
        super().__init__(target, failpoints, limits, tally_slot)
        self._robots = self._hot(
            "robots",
            MixedCommands(
                {
                    "beat": RecordBeats(),
                    "connect": BeginSessions(),
                    "leave": EndSessions(),
                    "profile": WriteProfiles(),
                    "held": FindHeldJobs(),
                    "adopted": EndAdopted(),
                }
            ),
            PLANNED_EACH_TIME,
        )

    async def _in_lane(self, command: str, value: Any) -> Any:  # noqa: ANN401 - each command has types of its own
        return await self._robots.submit(NamedCall(command, value))

    async def beat(self, beats: Sequence[Beat]) -> list[LostSession]:
        lost: list[LostSession] = await self._in_lane("beat", beats)
        return lost

    async def connect(self, wanted: Connecting) -> BegunSession:
        begun: BegunSession = await self._in_lane("connect", wanted)
        return begun

    async def leave(self, sessions: Sequence[SessionKey]) -> None:
        await self._in_lane("leave", sessions)

    async def introduce(self, robot_id: str, instance_id: str, session_id: str | None = None) -> None:
        await self._in_lane("profile", ProfileWrite(robot_id, session_id, "process", instance_id))

    async def list_workflows(
        self, robot_id: str, workflows: tuple[str, ...] | None, session_id: str | None = None
    ) -> None:
        listed = None if workflows is None else json.dumps(workflows)
        await self._in_lane("profile", ProfileWrite(robot_id, session_id, "workflows", listed))

    async def open_journal(self, robot_id: str, journal_id: str, session_id: str | None = None) -> None:
        await self._in_lane("profile", ProfileWrite(robot_id, session_id, "journal", journal_id))

    async def open_sessions(self) -> list[StoredSession]:
        return await self._readers.read(order_reads.open_sessions_of_all)

    async def orders(self, instance: str, after_audit_id: int, limit: int) -> Orders:
        return await self._readers.read(lambda c: order_reads.orders_to(c, instance, after_audit_id, limit))

    async def adopt(self, dead: Sequence[RunningInstance], at: Instant, until: Instant) -> list[Applied]:
        """See `adoptions`, which has the order of the steps."""
        if dead:
            orphans = await self._cold_writes.write(lambda c: instance_rows.remove(c, dead))
        else:
            orphans = await self._readers.read(lambda c: instance_rows.remove(c, dead))
        if not orphans:
            return []
        held: list[tuple[str, str]] = await self._in_lane("held", orphans)
        changes = [Change(job_id, SocketLost(session_id), at) for job_id, session_id in held]
        applied: list[Applied] = []
        for first in range(0, len(changes), AT_ONCE):
            applied += await self.apply(changes[first : first + AT_ONCE])
        # After the loss of contact, because that gives a held offer an end of its own.
        await self._in_lane("adopted", (orphans, until))
        return applied
