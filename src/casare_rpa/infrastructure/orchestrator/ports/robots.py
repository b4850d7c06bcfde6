"""The store port of robots."""

from collections.abc import Sequence
from typing import Protocol

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.robot_records import Beat
from casare_rpa.domain.robots import Robot
from casare_rpa.domain.stored_state import FleetState


class RobotStore(Protocol):
    """The profiles of robots, their heartbeats and their orders.

    A write with `audit` writes this entry in the same transaction, unless the robot does not exist (or exists already).
    """

    async def robot(self, robot_id: str) -> Robot | None: ...

    async def robots(self, tenant_id: str | None) -> list[Robot]: ...

    async def fleet_state(self) -> FleetState:
        """Every robot's profile and every held job, of one snapshot, in one read."""
        ...

    async def beat(self, beats: Sequence[Beat], lease_expires_at: Instant) -> None:
        """Note what robots showed, and renew their leases (T8): only jobs that are still claimed or running, only by
        the robot that holds them, never shortening a lease."""
        ...

    async def introduce(self, robot_id: str, instance_id: str) -> None:
        """The robot said which process it is; a new one answers a requested restart."""
        ...

    async def add_robot(self, robot: Robot, *, audit: NewAudit) -> bool:
        """False when it exists."""
        ...

    async def change_robot(
        self,
        robot_id: str,
        name: str | None,
        tags: tuple[str, ...] | None,
        max_concurrent_jobs: int | None,
        *,
        audit: NewAudit,
    ) -> Robot | None:
        """Store another name, other tags or slots; `None` leaves what is there. Answers the robot as it is now."""
        ...

    async def request_restart(self, robot_id: str, command_id: str, at: Instant, *, audit: NewAudit) -> bool:
        """Keep a restart for the robot. False when there is no such robot."""
        ...

    async def drain_robot(self, robot_id: str, at: Instant, by: str, reason: str, *, audit: NewAudit) -> bool:
        """No new jobs for it until it is resumed; the first order counts. False when there is no such robot."""
        ...

    async def resume_robot(self, robot_id: str, *, audit: NewAudit) -> bool:
        """False when there is no such robot."""
        ...
