"""Records about robots that pass between the slices and the store."""

import msgspec

from casare_rpa.domain.instants import Instant
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


class LastHeartbeat(msgspec.Struct, frozen=True, gc=False):
    """The last stored signs of life of a robot: the start of its live state after a restart of the server."""

    robot_id: str
    reported_status: RobotStatus | None
    cpu_percent: float
    memory_mb: float
    last_heartbeat_at: Instant | None
    last_seen_at: Instant | None
    clock_skew_seconds: float | None
