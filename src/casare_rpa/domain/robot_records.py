"""Records about robots that pass between the slices and the store."""

import msgspec

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.vocabulary import RobotStatus


class Beat(msgspec.Struct, frozen=True, gc=False):
    """What a robot's connection showed since the last batch.

    `renew_all`: its frames renew the lease of every job it holds (a robot that lists none in its heartbeats);
    else only those of `active_jobs` as (job_id, attempt). Heartbeat fields are `None` when it sent no heartbeat.
    """

    robot_id: str
    seen_at: Instant
    renew_all: bool
    active_jobs: tuple[tuple[str, int], ...] = ()
    said: RobotStatus | None = None
    cpu_percent: float | None = None
    memory_mb: float | None = None
    heartbeat_at: Instant | None = None
    clock_skew_seconds: float | None = None
