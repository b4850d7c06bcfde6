"""Commands about robots and their keys. Each writes its audit entry in the transaction of the act."""

import secrets
from typing import Protocol

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.credentials import (
    BASE62,
    KEY_ID_LENGTH,
    KEY_SECRET_LENGTH,
    Principal,
    RobotKey,
    digest,
    make_key,
)
from casare_rpa.domain.errors import Conflict, NotFound
from casare_rpa.domain.permissions import require_admin, require_tenant
from casare_rpa.domain.restarts import restart_message
from casare_rpa.domain.robots import Robot
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus, RobotChanged, WorkAvailable
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.robots import RobotStore
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet


class RobotCommandStore(RobotStore, AdminStore, Protocol):
    """The ports of the store that `RobotCommands` uses."""


class RobotCommands:
    """Creates and changes robots, orders them to drain, resume or restart, and issues their keys.

    Each call is durable when it returns. All raise AuthError when the principal is not an admin, and NotFound when the
    robot does not exist or belongs to another tenant.
    """

    def __init__(self, store: RobotCommandStore, bus: EventBus, hub: Hub, fleet: Fleet, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._hub = hub
        self._fleet = fleet
        self._clock = clock

    async def create(self, principal: Principal, robot: Robot) -> Robot:
        """Add a robot.

        Raises:
            NotFound: its tenant does not exist.
            Conflict: the robot exists.
        """
        require_admin(principal)
        require_tenant(principal, robot.tenant_id)
        if await self._store.tenant(robot.tenant_id) is None:
            raise NotFound(f"there is no tenant {robot.tenant_id!r}", field="tenant_id")
        if not await self._store.add_robot(robot, audit=self._entry(principal, "create_robot", robot.robot_id)):
            raise Conflict(f"the robot {robot.robot_id!r} exists already", field="robot_id")
        self._fleet.set_profile(robot)
        return robot

    async def change(
        self,
        principal: Principal,
        robot_id: str,
        *,
        name: str | None = None,
        tags: tuple[str, ...] | None = None,
        max_concurrent_jobs: int | None = None,
        add_tags: tuple[str, ...] | None = None,
    ) -> Robot:
        """Store another name, other or more tags, or another number of slots; `None` keeps the present value.

        Raises:
            Conflict: the robot would have more than 64 tags.
        """
        await self._known(principal, robot_id)
        given = {"name": name, "tags": tags, "max_concurrent_jobs": max_concurrent_jobs, "add_tags": add_tags}
        changed = ", ".join(sorted(field for field, value in given.items() if value is not None))
        entry = self._entry(principal, "change_robot", robot_id, changed)
        robot = await self._store.change_robot(robot_id, name, tags, max_concurrent_jobs, add_tags or (), audit=entry)
        if robot is None:
            raise self._unknown(robot_id)
        self._published(robot)
        return robot

    async def remove(self, principal: Principal, robot_id: str) -> None:
        """Delete a robot and its keys, and close its connections. Its jobs end or are retried when their leases end."""
        await self._known(principal, robot_id)
        if not await self._store.remove_robot(robot_id, audit=self._entry(principal, "remove_robot", robot_id)):
            raise self._unknown(robot_id)
        self._hub.expel_robot(robot_id)
        live = self._fleet.get(robot_id)
        if live is not None and live.connection is None:  # else its disconnect marks its jobs, then resync removes it
            self._fleet.remove(robot_id)
        self._bus.publish(WorkAvailable())

    async def drain(self, principal: Principal, robot_id: str, reason: str = "") -> Robot:
        """Offer no new jobs to the robot until it is resumed; its current jobs continue.

        A drain survives restarts of the robot and of the server. A second drain changes nothing.
        """
        await self._known(principal, robot_id)
        entry = self._entry(principal, "drain_robot", robot_id, reason)
        if not await self._store.drain_robot(robot_id, entry.at, principal.name, reason, audit=entry):
            raise self._unknown(robot_id)
        return await self._reloaded(robot_id)

    async def resume(self, principal: Principal, robot_id: str, reason: str = "") -> Robot:
        """Offer jobs to the robot again, also when it was skipped because it did not answer offers."""
        await self._known(principal, robot_id)
        if not await self._store.resume_robot(robot_id, audit=self._entry(principal, "resume_robot", robot_id, reason)):
            raise self._unknown(robot_id)
        live = self._fleet.get(robot_id)
        if live is not None:
            live.stop_skipping()
        return await self._reloaded(robot_id)

    async def restart(self, principal: Principal, robot_id: str, reason: str = "") -> Robot:
        """Order the robot's process to end after its jobs and to start again.

        The order is kept for ten minutes for a robot that is not connected. A `hello` of another process of the robot
        completes it.
        """
        await self._known(principal, robot_id)
        entry = self._entry(principal, "restart_robot", robot_id, reason)
        command_id = f"cmd-{secrets.token_hex(8)}"
        if not await self._store.request_restart(robot_id, command_id, entry.at, audit=entry):
            raise self._unknown(robot_id)
        robot = await self._known(principal, robot_id)
        live = self._fleet.set_profile(robot)
        command = restart_message(live.robot, self._clock.now())
        if live.connection is not None and command is not None:
            live.connection.session.send(command)
        return robot

    async def create_key(self, principal: Principal, robot_id: str) -> tuple[RobotKey, str]:
        """A new key and its text. The text is not stored: it cannot be shown again."""
        robot = await self._known(principal, robot_id)
        key_id = _random(KEY_ID_LENGTH)
        text = make_key(key_id, _random(KEY_SECRET_LENGTH))
        entry = self._entry(principal, "create_key", robot_id, key_id)
        key = RobotKey(key_id, robot_id, robot.tenant_id, digest(text), entry.at)
        await self._store.add_key(key, audit=entry)
        return key, text

    async def revoke_key(self, principal: Principal, robot_id: str, key_id: str) -> None:
        """Make a key invalid and close the connections that it opened.

        Raises:
            NotFound: the robot has no such key that is valid.
        """
        await self._known(principal, robot_id)
        entry = self._entry(principal, "revoke_key", robot_id, key_id)
        if not await self._store.revoke_key(robot_id, key_id, entry.at, audit=entry):
            raise NotFound(f"the robot {robot_id!r} has no valid key {key_id!r}", field="key_id")
        self._hub.expel_key(key_id)

    async def _known(self, principal: Principal, robot_id: str) -> Robot:
        require_admin(principal)
        robot = await self._store.robot(robot_id)
        if robot is None or not principal.sees(robot.tenant_id):
            raise self._unknown(robot_id)
        return robot

    async def _reloaded(self, robot_id: str) -> Robot:
        robot = await self._store.robot(robot_id)
        if robot is None:
            raise self._unknown(robot_id)
        self._published(robot)
        return robot

    def _published(self, robot: Robot) -> None:
        self._fleet.set_profile(robot)
        self._bus.publish(RobotChanged(robot.robot_id))
        self._bus.publish(WorkAvailable())

    def _entry(self, principal: Principal, action: str, robot_id: str, note: str = "") -> NewAudit:
        return NewAudit(self._clock.now(), principal.name, action, robot_id, note)

    def _unknown(self, robot_id: str) -> NotFound:
        return NotFound(f"there is no robot {robot_id!r}", field="robot_id")


def _random(length: int) -> str:
    return "".join(secrets.choice(BASE62) for _ in range(length))
