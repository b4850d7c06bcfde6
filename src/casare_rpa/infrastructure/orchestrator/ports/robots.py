"""The store port of robots."""

from collections.abc import Sequence
from typing import Protocol

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.robot_records import Beat, LastHeartbeat, OrderedRobot, RobotOrder
from casare_rpa.domain.robot_sessions import LostSession
from casare_rpa.domain.robots import Robot
from casare_rpa.domain.stored_state import FleetState


class RobotStore(Protocol):
    """Profiles of robots, their heartbeats and the orders to them.

    A write with `audit` writes this entry in the same transaction, unless the robot does not exist (or exists already).
    """

    async def robot(self, robot_id: str) -> Robot | None: ...

    async def robots(self, tenant_id: str | None) -> list[Robot]: ...

    async def last_heartbeats(self) -> list[LastHeartbeat]:
        """What `beat` stored last about each robot."""
        ...

    async def fleet_state(self, robot_ids: Sequence[str] | None = None) -> FleetState:
        """The profiles of these robots and their held jobs, or those of all robots, in one snapshot."""
        ...

    async def beat(self, beats: Sequence[Beat]) -> list[LostSession]:
        """Store heartbeats and renew leases (T8): each ends `LEASE_SECONDS` after its robot was seen.

        Writes nothing for the sessions that are returned: they are no longer the newest ones of their robots.

        The time of the write does not count: an instance that stood still does not prolong the lease of a robot that
        has been silent since. Renews a lease only for the robot that holds the job, and only while the job is claimed
        or running. A lease is never shortened.
        """
        ...

    async def introduce(self, robot_id: str, instance_id: str, session_id: str | None = None) -> None:
        """Store the process id that a robot sent. It completes a requested restart.

        With `session_id`, nothing is written when it is not the newest session of the robot. So does `list_workflows`.
        """
        ...

    async def list_workflows(
        self, robot_id: str, workflows: tuple[str, ...] | None, session_id: str | None = None
    ) -> None:
        """Store the workflows that a robot listed; `None` if it lists none."""
        ...

    async def add_robot(self, robot: Robot, *, audit: NewAudit) -> bool:
        """False when it exists, which changes nothing."""
        ...

    async def remove_robot(self, robot_id: str, *, audit: NewAudit) -> bool:
        """Delete a robot and its keys. Its jobs and log lines stay. False when there is no such robot."""
        ...

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
        """Change name, tags or slots; `None` keeps the value. Returns the changed robot, `None` if there is none.

        0 slots stands for the value that the robot reports. `add_tags` are added to the tags in the same transaction,
        then `remove_tags` are removed. Raises Conflict for more than 64 tags.
        """
        ...

    async def order_robots(self, orders: Sequence[RobotOrder], tenant_id: str | None) -> list[OrderedRobot]:
        """Drain, resume or restart robots, all in one transaction; one result for each order, in their order.

        Robots of another tenant than `tenant_id` are unknown; `None` sees all. A drain that exists keeps its user, time
        and reason. A restart that is requested again within ten minutes keeps its id. The audit entry of an order is
        written in the same transaction, if the order is done.
        """
        ...
