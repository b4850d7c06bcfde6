"""The part of a store on tenants, robots, queues and the audit trail. Portable."""

from collections.abc import Sequence

from casare_rpa.domain.audit import AuditEntry, NewAudit
from casare_rpa.domain.credentials import RobotKey
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.instance_facts import InstanceFacts
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.queues import PausedQueue, Queue
from casare_rpa.domain.robot_records import LastHeartbeat, OrderedRobot, OrderOutcome, RobotOrder
from casare_rpa.domain.robot_sessions import RunningInstance
from casare_rpa.domain.robots import Robot
from casare_rpa.domain.tenants import Tenant
from casare_rpa.infrastructure.orchestrator.storage.cold import (
    audit_rows,
    clock_rows,
    fleet_rows,
    health_rows,
    instance_rows,
    queue_rows,
)
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection
from casare_rpa.infrastructure.orchestrator.storage.tables.login_tables import LoginTables


class FleetTables(LoginTables):
    """Implements `ports.admin.AdminStore`, and parts of the ports of robots, instances and maintenance."""

    async def record_audit(self, audit: NewAudit) -> None:
        await self._audited(lambda _: True, audit)

    async def add_audit_entries(self, entries: Sequence[NewAudit]) -> None:
        await self._writes.write(lambda c: audit_rows.record(c, [(entry, 1) for entry in entries]))

    async def last_audit_id(self) -> int:
        return await self._reads.read(audit_rows.last_id)

    async def audit(
        self,
        target: str | None,
        actions: Sequence[str],
        limit: int,
        before_id: int | None,
        since: Instant | None = None,
        until: Instant | None = None,
    ) -> list[AuditEntry]:
        return await self._reads.read(lambda c: audit_rows.newest(c, target, actions, limit, before_id, since, until))

    async def hear(self, instance: str, at: Instant, facts: InstanceFacts | None = None) -> list[RunningInstance]:
        return await self._writes.write(lambda c: instance_rows.hear(c, instance, at, facts))

    async def running(self) -> list[RunningInstance]:
        return await self._reads.read(instance_rows.running)

    async def depart(self, instance: str) -> None:
        await self._writes.write(lambda c: instance_rows.depart(c, instance))

    async def add_tenant(self, tenant: Tenant, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: fleet_rows.add_tenant(c, tenant), audit)

    async def tenant(self, tenant_id: str) -> Tenant | None:
        return await self._reads.look_up(lambda c: fleet_rows.find_tenant(c, tenant_id))

    async def tenants(self) -> list[Tenant]:
        return await self._reads.read(fleet_rows.all_tenants)

    async def add_robot(self, robot: Robot, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: fleet_rows.add_robot(c, robot), audit)

    async def robot(self, robot_id: str) -> Robot | None:
        return await self._reads.look_up(lambda c: fleet_rows.find_robot(c, robot_id))

    async def robots(self, tenant_id: str | None) -> list[Robot]:
        return await self._reads.read(lambda c: fleet_rows.all_robots(c, tenant_id))

    async def last_heartbeats(self) -> list[LastHeartbeat]:
        return await self._reads.read(fleet_rows.last_heartbeats)

    async def change_robot(
        self,
        robot_id: str,
        name: str | None,
        tags: tuple[str, ...] | None,
        max_concurrent_jobs: int | None,
        add_tags: tuple[str, ...] = (),
        remove_tags: tuple[str, ...] = (),
        *,
        audit: NewAudit,
    ) -> Robot | None:
        return await self._audited(
            lambda c: fleet_rows.change_robot(c, robot_id, name, tags, max_concurrent_jobs, add_tags, remove_tags),
            audit,
        )

    async def order_robots(self, orders: Sequence[RobotOrder], tenant_id: str | None) -> list[OrderedRobot]:
        def order_and_record(connection: SqlConnection) -> list[OrderedRobot]:
            ordered = fleet_rows.order_robots(connection, orders, tenant_id)
            done = zip(orders, ordered, strict=True)
            entries = [(order.audit, 1) for order, result in done if result.outcome is OrderOutcome.DONE]
            audit_rows.record(connection, entries)
            return ordered

        return await self._writes.write(order_and_record)

    async def add_key(self, key: RobotKey, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: fleet_rows.add_key(c, key), audit)

    async def key(self, key_id: str) -> RobotKey | None:
        return await self._reads.look_up(lambda c: fleet_rows.find_key(c, key_id))

    async def keys(self, robot_id: str) -> list[RobotKey]:
        return await self._reads.read(lambda c: fleet_rows.keys_of(c, robot_id))

    async def revoke_key(self, robot_id: str, key_id: str, at: Instant, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: fleet_rows.revoke_key(c, robot_id, key_id, at), audit)

    async def pause_queue(self, paused: PausedQueue, *, audit: NewAudit) -> None:
        await self._audited(lambda c: queue_rows.pause(c, paused), audit)

    async def resume_queue(self, queue: str, *, audit: NewAudit) -> None:
        await self._audited(lambda c: queue_rows.resume(c, queue), audit)

    async def paused_queues(self) -> list[PausedQueue]:
        return await self._reads.read(queue_rows.paused)

    async def add_queue(self, queue: Queue, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: queue_rows.add(c, queue), audit)

    async def queues(self) -> list[Queue]:
        return await self._reads.read(queue_rows.every)

    async def queue_depths(self, tenant_id: str | None) -> dict[str, int]:
        return await self._reads.read(lambda c: queue_rows.depths(c, tenant_id))

    async def newest_instant(self) -> Instant | None:
        return await self._reads.read(clock_rows.newest_instant)

    async def prove_writable(self, at: Instant) -> None:
        try:
            await self._writes.write(lambda c: health_rows.write(c, at))
        except StoreUnavailable as error:
            raise StoreUnavailable(f"the store cannot be written: {error.__cause__ or error}") from error

    async def remove_robot(self, robot_id: str, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: fleet_rows.remove_robot(c, robot_id), audit)
