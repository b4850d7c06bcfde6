"""A robot as the store keeps it, its computed status, and which jobs it may run."""

from dataclasses import dataclass
from functools import lru_cache

import msgspec

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.vocabulary import RobotStatus

SEEN_RECENTLY_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Robot:
    """The stored profile of a robot, and what it said last. What an admin stored wins over `hello`."""

    robot_id: str
    tenant_id: str
    name: str
    tags: tuple[str, ...]
    max_concurrent_jobs: int | None
    """What an admin stored; `None` leaves it to `hello`, and to one slot without it."""
    created_at: Instant
    instance_id: str | None = None
    said: RobotStatus | None = None
    cpu_percent: float = 0.0
    memory_mb: float = 0.0
    last_heartbeat_at: Instant | None = None
    last_seen_at: Instant | None = None
    clock_skew_seconds: float | None = None
    restart_command_id: str | None = None
    restart_requested_at: Instant | None = None
    draining_at: Instant | None = None
    """Since when it gets no new jobs, on an admin's order."""
    draining_by: str | None = None
    draining_reason: str | None = None


class Placement(msgspec.Struct, frozen=True, gc=False):
    """What a job asks of a robot; jobs that ask the same wait in one line."""

    tenant_id: str
    queue: str
    robot_id: str | None
    tags: tuple[str, ...]


class Profile(msgspec.Struct, frozen=True, gc=False):
    """What a robot offers; robots that offer the same are interchangeable but for their id."""

    tenant_id: str
    tags: frozenset[str]


@lru_cache(maxsize=4096)
def profile_of(tenant_id: str, tags: tuple[str, ...]) -> Profile:
    """The profile of these tags: thousands of robots have few."""
    return Profile(tenant_id, frozenset(tags))


def may_run(profile: Profile, robot_id: str, placement: Placement) -> bool:
    """Whether a robot fits: same tenant, every tag the job wants, and the one robot it wants, if any."""
    return (
        profile.tenant_id == placement.tenant_id
        and placement.robot_id in (None, robot_id)
        and profile.tags.issuperset(placement.tags)
    )


def status_of(*, connected: bool, said: RobotStatus | None, free_slots: int) -> RobotStatus:
    """The computed status: `offline` without a session, `busy` without a free slot or on its word, else `idle`.

    A robot that said `offline` said goodbye. Before its first heartbeat a connected robot is idle.
    """
    if not connected or said is RobotStatus.OFFLINE:
        return RobotStatus.OFFLINE
    return RobotStatus.BUSY if free_slots <= 0 or said is RobotStatus.BUSY else RobotStatus.IDLE
