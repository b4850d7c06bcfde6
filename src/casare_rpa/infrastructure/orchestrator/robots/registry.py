"""Slice: which robots may exist, and with which keys."""

import secrets

from casare_rpa.domain.credentials import (
    BASE62,
    KEY_ID_LENGTH,
    KEY_SECRET_LENGTH,
    RobotKey,
    digest,
    make_key,
)
from casare_rpa.domain.errors import Conflict, NotFound
from casare_rpa.domain.protocol import RobotState
from casare_rpa.domain.robots import Robot
from casare_rpa.domain.tenants import Tenant
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus, RobotChanged, WorkAvailable
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.live_robot import LiveRobot, state_message


class Registry:
    """Tenants, robots and their keys: made and revoked by admins."""

    def __init__(self, store: Store, bus: EventBus, hub: Hub, fleet: Fleet, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._hub = hub
        self._fleet = fleet
        self._clock = clock

    async def add_tenant(self, tenant_id: str, name: str) -> Tenant:
        """Raises Conflict when it exists."""
        tenant = Tenant(tenant_id, name, self._clock.now())
        if not await self._store.add_tenant(tenant):
            raise Conflict(f"the tenant {tenant_id!r} exists already", field="tenant_id")
        return tenant

    async def add_robot(self, robot: Robot) -> Robot:
        """Raises NotFound when its tenant does not exist, Conflict when the robot does."""
        if await self._store.tenant(robot.tenant_id) is None:
            raise NotFound(f"there is no tenant {robot.tenant_id!r}", field="tenant_id")
        if not await self._store.add_robot(robot):
            raise Conflict(f"the robot {robot.robot_id!r} exists already", field="robot_id")
        self._fleet.set_profile(robot)
        return robot

    async def change_robot(
        self,
        robot_id: str,
        name: str | None = None,
        tags: tuple[str, ...] | None = None,
        max_concurrent_jobs: int | None = None,
    ) -> Robot:
        """Keep another name, other tags or slots; the next dispatch goes by them. Raises NotFound."""
        robot = await self._store.change_robot(robot_id, name, tags, max_concurrent_jobs)
        if robot is None:
            raise NotFound(f"there is no robot {robot_id!r}", field="robot_id")
        self._fleet.set_profile(robot)
        self._bus.publish(RobotChanged(robot_id))
        self._bus.publish(WorkAvailable())
        return robot

    def live(self, robot: Robot) -> LiveRobot:
        """The robot as this instance knows it."""
        return self._fleet.get(robot.robot_id) or self._fleet.set_profile(robot)

    def describe(self, robot: Robot) -> RobotState:
        """The robot as viewers see it now."""
        return state_message(self.live(robot), self._clock.now())

    async def create_key(self, robot_id: str) -> tuple[RobotKey, str]:
        """A new key and its text, which is shown once and never kept. Raises NotFound."""
        robot = await self._store.robot(robot_id)
        if robot is None:
            raise NotFound(f"there is no robot {robot_id!r}", field="robot_id")
        text = make_key(_random(KEY_ID_LENGTH), _random(KEY_SECRET_LENGTH))
        key_id = text[len("crpa_") :][:KEY_ID_LENGTH]
        key = RobotKey(key_id, robot_id, robot.tenant_id, digest(text), self._clock.now())
        await self._store.add_key(key)
        return key, text

    async def revoke_key(self, robot_id: str, key_id: str) -> None:
        """The key opens nothing any more, and connections that it opened are closed. Raises NotFound."""
        if not await self._store.revoke_key(robot_id, key_id, self._clock.now()):
            raise NotFound(f"the robot {robot_id!r} has no valid key {key_id!r}", field="key_id")
        self._hub.expel(key_id)


def _random(length: int) -> str:
    return "".join(secrets.choice(BASE62) for _ in range(length))
