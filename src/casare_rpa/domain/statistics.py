"""Statistics of the store: counts of jobs, groups of failures, and depths of queues."""

from dataclasses import dataclass, field

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Reason
from casare_rpa.domain.vocabulary import JobStatus


@dataclass(frozen=True, slots=True)
class JobCount:
    """The number of matching jobs and of all jobs. `capped`: counting stopped at a limit, so one of them is too low."""

    matching: int
    total: int
    capped: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """The number of jobs that completed and failed in one minute; `minute` counts minutes since 1970."""

    minute: int
    completed: int
    failed: int


@dataclass(frozen=True, slots=True)
class QueueSample:
    """The number of pending jobs of a queue at one time, and the wait of the oldest; `None` if it was empty."""

    queue: str
    at: Instant
    pending: int
    oldest_wait_seconds: float | None


@dataclass(frozen=True, slots=True)
class Counts:
    """Jobs by status, of one tenant or of all. `completed_24h` and `failed_24h` cover the last 24 hours."""

    pending: int = 0
    claimed: int = 0
    running: int = 0
    completed_24h: int = 0
    failed_24h: int = 0


@dataclass(frozen=True, slots=True)
class RobotRun:
    """The time that a robot spent on the last attempt of a job; `finished_at` is `None` while the robot runs it."""

    job_id: str
    robot_id: str
    workflow_id: str
    attempt: int
    status: JobStatus
    reason: Reason | None
    started_at: Instant
    finished_at: Instant | None


@dataclass(frozen=True, slots=True)
class StoreStatistics:
    """Figures for /metrics: `commits` and `failures` since start, and the operations that wait now."""

    commits: int
    waiting: int
    failures: int = field(default=0)
