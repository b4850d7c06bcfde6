"""Statements on tenants, robots and their keys. Portable: SQLAlchemy Core."""

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update

from casare_rpa.domain.credentials import RobotKey
from casare_rpa.domain.errors import Conflict
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.limits import MAX_TAGS
from casare_rpa.domain.restarts import open_restart
from casare_rpa.domain.robot_records import LastHeartbeat, OrderedRobot, OrderOutcome, RobotAction, RobotOrder
from casare_rpa.domain.robots import Robot
from casare_rpa.domain.tenants import Tenant
from casare_rpa.domain.vocabulary import RobotStatus
from casare_rpa.infrastructure.orchestrator.storage.schema import robot_keys, robots, tenants
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection, Statement, insert_if_absent

_ADD_TENANT = insert_if_absent(tenants, ("tenant_id", "name", "created_at"))
_TENANT = Statement(select(tenants).where(tenants.c.tenant_id == bindparam("wanted")))
_TENANTS = Statement(select(tenants).order_by(tenants.c.tenant_id))
_ROBOT_FIELDS = tuple(field.name for field in fields(Robot))
_ROBOT_COLUMNS = tuple(robots.c[name] for name in _ROBOT_FIELDS)
_PROFILE = ("robot_id", "tenant_id", "name", "tags", "max_concurrent_jobs", "created_at")
_ADD_ROBOT = insert_if_absent(robots, _PROFILE)
_ROBOT = Statement(select(*_ROBOT_COLUMNS).where(robots.c.robot_id == bindparam("wanted")))
# For a change that is computed from the read: with several writers, changes of one robot run one after the other.
_ROBOT_TO_CHANGE = Statement(select(*_ROBOT_COLUMNS).where(robots.c.robot_id == bindparam("wanted")).with_for_update())
_ROBOTS = Statement(select(*_ROBOT_COLUMNS).order_by(robots.c.robot_id))
_ROBOTS_OF = Statement(
    select(*_ROBOT_COLUMNS).where(robots.c.tenant_id == bindparam("wanted")).order_by(robots.c.robot_id)
)
_LAST_HEARTBEATS = Statement(
    select(
        robots.c.robot_id,
        robots.c.said,
        robots.c.cpu_percent,
        robots.c.memory_mb,
        robots.c.last_heartbeat_at,
        robots.c.last_seen_at,
        robots.c.clock_skew_seconds,
    )
)
_INTRODUCE = Statement(
    update(robots)
    .where(robots.c.robot_id == bindparam("wanted"))
    .values(instance_id=bindparam("instance"), restart_command_id=None, restart_requested_at=None)
)
_LIST_WORKFLOWS = Statement(
    update(robots).where(robots.c.robot_id == bindparam("wanted")).values(workflows=bindparam("listed"))
)
_CHANGE = Statement(
    update(robots)
    .where(robots.c.robot_id == bindparam("wanted"))
    .values(
        name=func.coalesce(bindparam("called"), robots.c.name),
        tags=func.coalesce(bindparam("offers"), robots.c.tags),
        max_concurrent_jobs=func.nullif(func.coalesce(bindparam("slots"), robots.c.max_concurrent_jobs), 0),
    )
)
_RESTART = Statement(
    update(robots)
    .where(robots.c.robot_id == bindparam("wanted"))
    .values(restart_command_id=bindparam("command"), restart_requested_at=bindparam("moment"))
)
_DRAIN = Statement(
    update(robots)
    .where(robots.c.robot_id == bindparam("wanted"))
    .values(draining_at=bindparam("moment"), draining_by=bindparam("who"), draining_reason=bindparam("why"))
)
_RESUME = Statement(
    update(robots)
    .where(robots.c.robot_id == bindparam("wanted"))
    .values(draining_at=None, draining_by=None, draining_reason=None)
)
_REMOVE = Statement(delete(robots).where(robots.c.robot_id == bindparam("wanted")))
_REMOVE_KEYS = Statement(delete(robot_keys).where(robot_keys.c.robot_id == bindparam("wanted")))
_ADD_KEY = insert_if_absent(robot_keys, ("key_id", "robot_id", "tenant_id", "digest", "created_at", "revoked_at"))
_KEY = Statement(select(robot_keys).where(robot_keys.c.key_id == bindparam("wanted")))
_KEYS = Statement(
    select(robot_keys).where(robot_keys.c.robot_id == bindparam("wanted")).order_by(robot_keys.c.created_at)
)
_REVOKE = Statement(
    update(robot_keys)
    .where(
        robot_keys.c.robot_id == bindparam("owner"),
        robot_keys.c.key_id == bindparam("wanted"),
        robot_keys.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("moment"))
)


def add_tenant(connection: SqlConnection, tenant: Tenant) -> bool:
    """Whether the tenant is new."""
    rows = _ADD_TENANT.run(connection, tenant_id=tenant.tenant_id, name=tenant.name, created_at=tenant.created_at)
    return rows.rowcount == 1


def find_tenant(connection: SqlConnection, tenant_id: str) -> Tenant | None:
    row = _TENANT.run(connection, wanted=tenant_id).fetchone()
    return Tenant(*row) if row else None


def all_tenants(connection: SqlConnection) -> list[Tenant]:
    return [Tenant(*row) for row in _TENANTS.run(connection)]


def add_robot(connection: SqlConnection, robot: Robot) -> bool:
    """Whether the robot is new."""
    rows = _ADD_ROBOT.run(
        connection,
        robot_id=robot.robot_id,
        tenant_id=robot.tenant_id,
        name=robot.name,
        tags=json.dumps(robot.tags),
        max_concurrent_jobs=robot.max_concurrent_jobs,
        created_at=robot.created_at,
    )
    return rows.rowcount == 1


def _robot_of(row: tuple[Any, ...]) -> Robot:
    values = dict(zip(_ROBOT_FIELDS, row, strict=True))
    values["tags"] = tuple(json.loads(values["tags"]))
    values["workflows"] = tuple(json.loads(values["workflows"])) if values["workflows"] is not None else None
    return Robot(**values)


def find_robot(connection: SqlConnection, robot_id: str) -> Robot | None:
    row = _ROBOT.run(connection, wanted=robot_id).fetchone()
    return _robot_of(row) if row else None


def _lock_robot(connection: SqlConnection, robot_id: str) -> Robot | None:
    """The robot, which no other transaction changes until this one ends."""
    row = _ROBOT_TO_CHANGE.run(connection, wanted=robot_id).fetchone()
    return _robot_of(row) if row else None


def all_robots(connection: SqlConnection, tenant_id: str | None) -> list[Robot]:
    cursor = _ROBOTS.run(connection) if tenant_id is None else _ROBOTS_OF.run(connection, wanted=tenant_id)
    return [_robot_of(row) for row in cursor]


def last_heartbeats(connection: SqlConnection) -> list[LastHeartbeat]:
    return [
        LastHeartbeat(robot_id, RobotStatus(status) if status is not None else None, *values)
        for robot_id, status, *values in _LAST_HEARTBEATS.run(connection)
    ]


def change_robot(
    connection: SqlConnection,
    robot_id: str,
    name: str | None,
    tags: tuple[str, ...] | None,
    max_concurrent_jobs: int | None,
    add_tags: tuple[str, ...] = (),
    remove_tags: tuple[str, ...] = (),
) -> Robot | None:
    """Change the given fields; 0 slots stands for the value that the robot reports.

    Concurrent changes of different fields, and of different tags, are all kept.

    Raises:
        Conflict: the robot would have more than 64 tags.
    """
    robot = _lock_robot(connection, robot_id) if add_tags or remove_tags else None
    if robot is not None:
        tags = tuple(sorted({*(robot.tags if tags is None else tags), *add_tags}.difference(remove_tags)))
        if len(tags) > MAX_TAGS:
            raise Conflict(f"the robot would have {len(tags)} tags; expected at most {MAX_TAGS}", field="add_tags")
    offers = json.dumps(tags) if tags is not None else None
    _CHANGE.run(connection, wanted=robot_id, called=name, offers=offers, slots=max_concurrent_jobs)
    return find_robot(connection, robot_id)


def remove_robot(connection: SqlConnection, robot_id: str) -> bool:
    """Delete the robot and its keys; returns whether it existed."""
    _REMOVE_KEYS.run(connection, wanted=robot_id)
    return _REMOVE.run(connection, wanted=robot_id).rowcount == 1


def introduce(connection: SqlConnection, robot_id: str, instance_id: str) -> None:
    _INTRODUCE.run(connection, wanted=robot_id, instance=instance_id)


def list_workflows(connection: SqlConnection, robot_id: str, workflows: tuple[str, ...] | None) -> None:
    _LIST_WORKFLOWS.run(connection, wanted=robot_id, listed=None if workflows is None else json.dumps(workflows))


def order_robots(connection: SqlConnection, orders: Sequence[RobotOrder], tenant_id: str | None) -> list[OrderedRobot]:
    """Drain, resume or restart robots of a tenant (or of all); one result for each order, in their order."""
    return [_order_robot(connection, order, tenant_id) for order in orders]


def _order_robot(connection: SqlConnection, order: RobotOrder, tenant_id: str | None) -> OrderedRobot:
    robot = _lock_robot(connection, order.robot_id)
    if robot is None or tenant_id not in (None, robot.tenant_id):
        return OrderedRobot(order.robot_id, OrderOutcome.UNKNOWN, None)
    audit, wanted = order.audit, order.robot_id
    if order.action is RobotAction.RESTART:
        # A restart that is requested again before the robot restarted is the same restart.
        command_id = open_restart(robot, audit.at) or order.command_id
        _RESTART.run(connection, wanted=wanted, command=command_id, moment=audit.at)
    elif (robot.draining_at is not None) is (order.action is RobotAction.DRAIN):
        return OrderedRobot(wanted, OrderOutcome.UNCHANGED, robot)
    elif order.action is RobotAction.DRAIN:
        _DRAIN.run(connection, wanted=wanted, moment=audit.at, who=audit.by, why=audit.note)
    else:
        _RESUME.run(connection, wanted=wanted)
    return OrderedRobot(wanted, OrderOutcome.DONE, find_robot(connection, wanted))


def add_key(connection: SqlConnection, key: RobotKey) -> bool:
    """Whether the key is new."""
    rows = _ADD_KEY.run(
        connection,
        key_id=key.key_id,
        robot_id=key.robot_id,
        tenant_id=key.tenant_id,
        digest=key.digest,
        created_at=key.created_at,
        revoked_at=key.revoked_at,
    )
    return rows.rowcount == 1


def find_key(connection: SqlConnection, key_id: str) -> RobotKey | None:
    row = _KEY.run(connection, wanted=key_id).fetchone()
    return RobotKey(*row) if row else None


def keys_of(connection: SqlConnection, robot_id: str) -> list[RobotKey]:
    return [RobotKey(*row) for row in _KEYS.run(connection, wanted=robot_id)]


def revoke_key(connection: SqlConnection, robot_id: str, key_id: str, at: Instant) -> bool:
    return _REVOKE.run(connection, owner=robot_id, wanted=key_id, moment=at).rowcount == 1
