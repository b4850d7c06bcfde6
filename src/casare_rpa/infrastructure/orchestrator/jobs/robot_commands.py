"""Commands about robots and their keys. Each writes its audit entry in the transaction of the act."""

import secrets
from collections.abc import Sequence
from typing import Protocol

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.credentials import (
    BASE62,
    KEY_ID_LENGTH,
    KEY_SECRET_LENGTH,
    SECRET_REPEAT_SECONDS,
    Principal,
    RobotKey,
    derived,
    digest,
    make_key,
)
from casare_rpa.domain.errors import Conflict, NotFound
from casare_rpa.domain.instants import Instant, after
from casare_rpa.domain.permissions import require_admin, require_tenant
from casare_rpa.domain.robot_records import OrderedRobot, RobotAction, RobotOrder
from casare_rpa.domain.robots import Robot
from casare_rpa.infrastructure.orchestrator.bus.events import (
    EventBus,
    OrdersGiven,
    RobotChanged,
    RobotStored,
    WorkAvailable,
)
from casare_rpa.infrastructure.orchestrator.hub.hub import Hub
from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.robots import RobotStore
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet

ORDERS_IN_A_TRANSACTION = 500
KEY_LETTERS = KEY_ID_LENGTH + KEY_SECRET_LENGTH


class RobotCommandStore(RobotStore, AdminStore, Protocol):
    """The ports of the store that `RobotCommands` uses."""


class RobotCommands:
    """Creates and changes robots, orders them to drain, resume or restart, and issues their keys.

    Each call is durable when it returns. All raise AuthError when the principal is not an admin, and NotFound when the
    robot does not exist or belongs to another tenant.
    """

    def __init__(
        self, store: RobotCommandStore, bus: EventBus, hub: Hub, fleet: Fleet, clock: Clock, key_seed: bytes
    ) -> None:
        """`key_seed` is a secret from which the keys of requests with an idempotency key are derived."""
        self._key_seed = key_seed
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
        self._bus.publish(RobotStored(robot.robot_id))
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
        remove_tags: tuple[str, ...] | None = None,
    ) -> Robot:
        """Store another name, other tags, or another number of slots; `None` keeps the present value.

        0 slots stands for the value that the robot reports.

        Raises:
            Conflict: the robot would have more than 64 tags.
        """
        await self._known(principal, robot_id)
        given = {
            "name": name,
            "tags": tags,
            "max_concurrent_jobs": max_concurrent_jobs,
            "add_tags": add_tags,
            "remove_tags": remove_tags,
        }
        changed = ", ".join(sorted(field for field, value in given.items() if value is not None))
        entry = self._entry(principal, "change_robot", robot_id, changed)
        robot = await self._store.change_robot(
            robot_id, name, tags, max_concurrent_jobs, add_tags or (), remove_tags or (), audit=entry
        )
        if robot is None:
            raise self._unknown(robot_id)
        self._fleet.set_profile(robot)
        self._bus.publish(RobotChanged(robot.robot_id))
        self._bus.publish(RobotStored(robot.robot_id))
        self._bus.publish(WorkAvailable())
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
        self._bus.publish(RobotStored(robot_id))
        self._bus.publish(OrdersGiven())
        self._bus.publish(WorkAvailable())

    async def order(self, principal: Principal, action: RobotAction, robot_id: str, reason: str = "") -> Robot:
        """Drain, resume or restart one robot, as `order_each` does. Returns the robot after the order."""
        (ordered,) = await self.order_each(principal, action, [robot_id], reason)
        if ordered.robot is None:
            raise self._unknown(robot_id)
        return ordered.robot

    async def order_each(
        self, principal: Principal, action: RobotAction, robot_ids: Sequence[str], reason: str = ""
    ) -> list[OrderedRobot]:
        """Drain, resume or restart each of these robots; one result for each, in their order.

        Up to 500 robots are one transaction, with an audit entry for each robot that changes.

        - A drained robot gets no new jobs until it is resumed, also after restarts of the robot and of the server; its
          current jobs continue. A second drain changes nothing.
        - A resumed robot gets jobs again, also when it was skipped because it did not answer offers.
        - The process of a restarted robot ends after its jobs and starts again. The order is kept for ten minutes for a
          robot that is not connected. A `hello` of another process of the robot completes it.

        Does not raise NotFound.
        """
        require_admin(principal)
        results: list[OrderedRobot] = []
        for first in range(0, len(robot_ids), ORDERS_IN_A_TRANSACTION):
            orders = [
                RobotOrder(
                    robot_id,
                    action,
                    self._entry(principal, f"{action}_robot", robot_id, reason),
                    f"cmd-{secrets.token_hex(8)}",
                )
                for robot_id in robot_ids[first : first + ORDERS_IN_A_TRANSACTION]
            ]
            ordered = await self._store.order_robots(orders, principal.tenant_id)
            self._publish_ordered(action, ordered)
            results += ordered
        return results

    def _publish_ordered(self, action: RobotAction, ordered: Sequence[OrderedRobot]) -> None:
        for one in ordered:
            if one.robot is None:
                continue
            live = self._fleet.set_profile(one.robot)
            if action is RobotAction.RESUME:
                live.stop_skipping()
            if action is RobotAction.RESTART:
                live.send_restart(self._clock.now(), again=True)
            self._bus.publish(RobotChanged(one.robot_id))
            self._bus.publish(RobotStored(one.robot_id))
        self._bus.publish(OrdersGiven())
        self._bus.publish(WorkAvailable())

    async def create_key(
        self, principal: Principal, robot_id: str, idempotency_key: str | None = None
    ) -> tuple[RobotKey, str]:
        """A new key and its text, which is not stored: it cannot be shown again.

        With an idempotency key, the same principal gets the same key for a day, because a response can be lost.

        Raises:
            Conflict: the key of this idempotency key was revoked, or is older than a day.
        """
        robot = await self._known(principal, robot_id)
        letters = _random_letters() if idempotency_key is None else self._letters(principal, robot, idempotency_key)
        key_id = letters[:KEY_ID_LENGTH]
        text = make_key(key_id, letters[KEY_ID_LENGTH:])
        entry = self._entry(principal, "create_key", robot_id, key_id)
        key = RobotKey(key_id, robot_id, robot.tenant_id, digest(text), entry.at)
        if await self._store.add_key(key, audit=entry):
            return key, text
        known = await self._store.key(key_id)
        if (
            known is None
            or known.revoked_at is not None
            or after(Instant(known.created_at), SECRET_REPEAT_SECONDS) < entry.at
        ):
            sentence = "it was used before, for a key that was revoked or is older than a day; use another"
            raise Conflict(sentence, field="Idempotency-Key")
        return known, text

    def _letters(self, principal: Principal, robot: Robot, idempotency_key: str) -> str:
        """The letters of a key that only this server can compute, the same at each call.

        A robot that was removed and created again has other keys.
        """
        about = ("robot key", principal.name, robot.robot_id, robot.created_at, idempotency_key)
        number = int.from_bytes(derived(self._key_seed, *about))
        # 512 bits for 316: the letters are as good as random ones.
        return "".join(BASE62[number // len(BASE62) ** place % len(BASE62)] for place in range(KEY_LETTERS))

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
        self._bus.publish(OrdersGiven())

    async def _known(self, principal: Principal, robot_id: str) -> Robot:
        require_admin(principal)
        robot = await self._store.robot(robot_id)
        if robot is None or not principal.sees(robot.tenant_id):
            raise self._unknown(robot_id)
        return robot

    def _entry(self, principal: Principal, action: str, robot_id: str, note: str = "") -> NewAudit:
        return NewAudit(self._clock.now(), principal.name, action, robot_id, note)

    def _unknown(self, robot_id: str) -> NotFound:
        return NotFound(f"there is no robot {robot_id!r}", field="robot_id")


def _random_letters() -> str:
    return "".join(secrets.choice(BASE62) for _ in range(KEY_LETTERS))
