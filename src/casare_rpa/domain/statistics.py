"""What happened, as figures: what the store answers about many jobs, queues and orders at once."""

from dataclasses import dataclass, field

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job


@dataclass(frozen=True, slots=True)
class JobCount:
    """How many jobs match, and how many there are; `capped`: one of them is more than was counted."""

    matching: int
    total: int
    capped: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """How many jobs completed and failed in one minute, as minutes since 1970."""

    minute: int
    completed: int
    failed: int


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Failures that have their cause in common; `last` is the newest."""

    fingerprint: str
    count: int
    first_at: Instant
    last_at: Instant
    last: Job


@dataclass(frozen=True, slots=True)
class FailureGrouping:
    """The largest groups among the `scanned` newest failures; `capped`: there are more than were looked at."""

    groups: list[FailureGroup]
    scanned: int
    capped: bool


@dataclass(frozen=True, slots=True)
class QueueSample:
    """How deep a queue was at a moment, and how long its first job had waited; `None`: nothing waited."""

    queue: str
    at: Instant
    pending: int
    oldest_wait_seconds: float | None


@dataclass(frozen=True, slots=True)
class Counts:
    """The queue at a glance, of one tenant or of all; ends are those of the last 24 hours, rolling."""

    pending: int = 0
    claimed: int = 0
    running: int = 0
    completed_24h: int = 0
    failed_24h: int = 0


@dataclass(frozen=True, slots=True)
class StoreStatistics:
    """`commits` since start, `waiting` operations now; for /metrics and tests."""

    commits: int
    waiting: int
    failures: int = field(default=0)
