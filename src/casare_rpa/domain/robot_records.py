"""Records about robots that pass between the slices and the store."""

from enum import StrEnum

import msgspec

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.robots import Robot
from casare_rpa.domain.vocabulary import RobotStatus


class Beat(msgspec.Struct, frozen=True, gc=False):
    """The signs of life of a robot since the last batch.

    `renew_all`: its frames renew the leases of all jobs that it holds, because its heartbeats list no jobs. Otherwise
    only the leases of `active_jobs`, as (job_id, attempt). Heartbeat fields are `None` if it sent no heartbeat.
    """

    robot_id: str
    seen_at: Instant
    renew_all: bool
    active_jobs: tuple[tuple[str, int], ...] = ()
    reported_status: RobotStatus | None = None
    cpu_percent: float | None = None
    memory_mb: float | None = None
    heartbeat_at: Instant | None = None
    clock_skew_seconds: float | None = None
    process: str | None = None
    """With `renew_all`: only jobs that were given to this process, or to a robot without `hello`."""
    session_id: str = ""
    """The session over which they arrived. Nothing is written about a robot whose newest session is another one."""


class LastHeartbeat(msgspec.Struct, frozen=True, gc=False):
    """The last stored signs of life of a robot: the start of its live state after a restart of the server."""

    robot_id: str
    reported_status: RobotStatus | None
    cpu_percent: float
    memory_mb: float
    last_heartbeat_at: Instant | None
    last_seen_at: Instant | None
    clock_skew_seconds: float | None


class RobotAction(StrEnum):
    """The orders to a robot."""

    DRAIN = "drain"
    RESUME = "resume"
    RESTART = "restart"


class RobotOrder(msgspec.Struct, frozen=True, gc=False):
    """An order to one robot. `audit` holds its time, user and reason, and is written if the order changes the robot."""

    robot_id: str
    action: RobotAction
    audit: NewAudit
    command_id: str = ""
    """The id of a restart."""


class OrderOutcome(StrEnum):
    """What an order did. `unchanged`: the robot was drained already, or was not drained and had nothing to resume."""

    DONE = "done"
    UNCHANGED = "unchanged"
    UNKNOWN = "unknown"
    """There is no such robot in the tenant."""


class OrderedRobot(msgspec.Struct, frozen=True, gc=False):
    """The result of an order to one robot: the outcome, and the stored robot after it (`None` if it is unknown)."""

    robot_id: str
    outcome: OrderOutcome
    robot: Robot | None
