"""Short records of stored state. An instance compares its memory with them."""

from collections.abc import Iterable

import msgspec

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.robots import Robot
from casare_rpa.domain.vocabulary import JobStatus, RobotStatus


class StoredHeldJob(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A job that is offered, claimed or running."""

    robot_id: str
    job_id: str
    status: JobStatus


def held_by_robot(held: Iterable[StoredHeldJob]) -> dict[str, dict[str, JobStatus]]:
    """The status of each held job, by robot and job id."""
    by_robot: dict[str, dict[str, JobStatus]] = {}
    for job in held:
        by_robot.setdefault(job.robot_id, {})[job.job_id] = job.status
    return by_robot


class StoredProfile(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The columns of a robot that only admins and a `hello` change."""

    robot_id: str
    name: str
    tags: tuple[str, ...]
    max_concurrent_jobs: int | None
    instance_id: str | None
    restart_command_id: str | None
    draining_at: Instant | None

    def matches(self, robot: Robot) -> bool:
        """Whether `robot` has the same values."""
        return (
            self.name == robot.name
            and self.tags == robot.tags
            and self.max_concurrent_jobs == robot.max_concurrent_jobs
            and self.instance_id == robot.instance_id
            and self.restart_command_id == robot.restart_command_id
            and self.draining_at == robot.draining_at
        )


class FleetState(msgspec.Struct, frozen=True, gc=False):
    """All robots and all held jobs, from one snapshot of the store."""

    robots: list[StoredProfile]
    held: list[StoredHeldJob]


class StoredSession(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The open session of a robot, with the last stored signs of life of the robot."""

    robot_id: str
    instance: str
    session_id: str
    reported_status: RobotStatus | None
    cpu_percent: float
    memory_mb: float
    last_heartbeat_at: Instant | None
    last_seen_at: Instant | None
    clock_skew_seconds: float | None


class JobRevision(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A job and its revision, which each change increases."""

    job_id: str
    revision: int


class StoppingJobs(msgspec.Struct, frozen=True, gc=False):
    """The jobs whose cancel advanced after a given history entry, and the id of the newest entry."""

    last_event_id: int
    jobs: list[JobRevision]
