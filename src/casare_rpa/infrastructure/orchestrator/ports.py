"""The seams: what the control plane asks of a store and a clock. Read this file first.

Each call of `Store` that writes is one committed transaction, or part of one that it shares with its neighbours
(group commit): when it returns, its effect survives `kill -9`. A failed COMMIT raises StoreUnavailable for
everyone in it, and nothing of it was written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

import msgspec

from casare_rpa.domain.credentials import RobotKey
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job, Reason
from casare_rpa.domain.job_events import Event, Refusal, Step
from casare_rpa.domain.logs import Level, LogLine
from casare_rpa.domain.protocol import JobStatus, RobotStatus
from casare_rpa.domain.resync import ChangedJobs, FleetState
from casare_rpa.domain.robots import Robot
from casare_rpa.domain.selection import Slots
from casare_rpa.domain.statistics import AuditEntry, Ended, FailureGrouping, JobCount, QueueSample


class Clock(Protocol):
    """Time, so that tests can own it."""

    def now(self) -> Instant:
        """This instant. Never goes back while the process lives, whatever the wall clock does, and hardly over a
        restart: see `Store.newest_instant`."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; for durations and rates."""
        ...

    def jump_seconds(self) -> float:
        """How far the wall clock moved against the monotonic one since this was last asked.

        `now()` follows a jump forward (a machine that slept), never one back: then it goes slower for a while.
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; cancel-safe."""
        ...


class JobToAdd(msgspec.Struct, frozen=True, gc=False):
    """A job to add. `body_digest` tells a repeated submit from another one under the same idempotency key."""

    job: Job
    idempotency_key: str | None = None
    body_digest: str = ""


class Added(msgspec.Struct, frozen=True, gc=False):
    """`created` is False when the idempotency key was known: `job` is then the one that was made before."""

    job: Job
    created: bool


class Change(msgspec.Struct, frozen=True, gc=False):
    """Something happened to a job, at `at`."""

    job_id: str
    event: Event
    at: Instant


class Applied(msgspec.Struct, frozen=True, gc=False):
    """What became of a Change: the job before it (`None`: unknown), and the table's answer."""

    before: Job | None
    answer: Step | Refusal


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


@dataclass(frozen=True, slots=True)
class Counts:
    """The queue at a glance, of one tenant or of all; ends are those of the last 24 hours, rolling."""

    pending: int = 0
    claimed: int = 0
    running: int = 0
    completed_24h: int = 0
    failed_24h: int = 0


@dataclass(frozen=True, slots=True)
class JobFilter:
    """What a list of jobs shows; `None` means any. `robot_id` matches the robot that viewers see."""

    tenant_id: str | None = None
    status: JobStatus | None = None
    robot_id: str | None = None
    workflow_id: str | None = None
    queue: str | None = None
    reason: Reason | None = None
    fingerprint: str | None = None
    prefix: str | None = None
    """How its workflow's name, or its own id, begins."""
    since: Instant | None = None
    until: Instant | None = None
    """Submitted from `since` on and before `until`."""
    to_cancel: bool = False
    """Only those that have not ended and that nobody has cancelled yet."""
    to_retry: bool = False
    """Only those that have ended and that nobody has retried yet."""


@dataclass(frozen=True, slots=True)
class JobHistoryEntry:
    """One line of a job's history: what, when, by whom, over which session, why."""

    event_id: int
    job_id: str
    at: Instant
    number: str
    kind: str
    status: JobStatus
    attempt: int
    robot_id: str | None = None
    session_id: str | None = None
    by: str | None = None
    note: str | None = None


class StoredLine(msgspec.Struct, frozen=True, gc=False):
    """A log line with its place in the order of arrival."""

    log_id: int
    line: LogLine


class LogPosition(NamedTuple):
    """Where a line stands in a search: by the time of its arrival, then by its place in it."""

    received_at: Instant
    log_id: int


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which log lines a viewer sees or a search finds; `None` means any.

    `text` is part of the message, in any case of letters. Received from `since` on and before `until`."""

    tenant_id: str | None = None
    robot_id: str | None = None
    job_id: str | None = None
    min_level: Level = Level.DEBUG
    text: str | None = None
    since: Instant | None = None
    until: Instant | None = None
    node_id: str | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines that match, newest first. `after` is where the next page begins, `None` when there is no more.

    `scanned_to`: the search stopped there because it had looked at enough; the page may be short, even empty.
    """

    lines: list[StoredLine]
    after: LogPosition | None
    scanned_to: Instant | None


@dataclass(frozen=True, slots=True)
class Tenant:
    tenant_id: str
    name: str
    created_at: Instant


@dataclass(frozen=True, slots=True)
class PausedQueue:
    """A queue that gives out nothing until it is resumed. `*` is all of them."""

    queue: str
    paused_at: Instant
    paused_by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue that jobs can name, besides `default`, which is always there."""

    queue: str
    created_at: Instant
    created_by: str


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """A pending job and its place in its line; `None` while it is delayed or offered."""

    job: Job
    position: int | None


class RetainedKind(StrEnum):
    """What is kept for a while only."""

    JOBS = "jobs"
    """Those that have ended, each with its history, its log lines and its idempotency key."""
    LOGS = "log lines"
    AUDIT = "audit entries"


@dataclass(frozen=True, slots=True)
class StoreStatistics:
    """`commits` since start, `waiting` operations now; for /metrics and tests."""

    commits: int
    waiting: int
    failures: int = field(default=0)


class Store(Protocol):
    """The sole arbiter of whose job it is."""

    # Hot: batches, however many callers there are

    async def add_jobs(self, jobs: Sequence[JobToAdd]) -> list[Added | None]:
        """Insert jobs with a first history entry (`T1`, `submitted`); order is kept, a call is all or nothing.

        `None` for each of them: nothing was added, as an idempotency key (per tenant) was used with another body. A
        repeat with the same body answers the first job, `created=False`.
        """
        ...

    async def claim(self, slots: Slots, at: Instant) -> list[Job]:
        """Offer waiting jobs to these robots, and answer the offered jobs (transition T2, history written).

        Looks only at the heads of placements that some slot can serve; never at jobs that none can. Free slots are
        counted again from live offers and leases inside the transaction. Paused queues and `not_before` hold.
        """
        ...

    async def apply(self, changes: Sequence[Change]) -> list[Applied]:
        """Ask the table about each change, in order, and write what it answers, rows and history, at once.

        A refusal is a result and spoils nothing for its neighbours. Several changes of one job see one another.
        """
        ...

    async def beat(self, beats: Sequence[Beat], lease_expires_at: Instant) -> None:
        """Note what robots showed, and renew their leases (T8): only jobs that are still claimed or running, only by
        the robot that holds them, never shortening a lease."""
        ...

    async def append_logs(self, lines: Sequence[LogLine]) -> list[StoredLine | None]:
        """Store lines in order, numbered for each robot. `None`: that line of its journal is stored already."""
        ...

    async def open_journal(self, robot_id: str, journal_id: str) -> None:
        """From now on the robot's lines carry the numbers of this journal; another than before begins at 1 again."""
        ...

    # The rescuer's view

    async def due(self, at: Instant, limit: int) -> list[tuple[str, str]]:
        """(job_id, event name) of up to `limit` jobs for which `offer_expired`, `lease_over`, `deadline_over`,
        `grace_over` or `queue_expired` is due. A hint: `apply` checks again."""
        ...

    async def extend_leases(self, until: Instant) -> int:
        """After a pause of ours: no live lease, and no offer to a robot that may have started, ends before `until`.
        Answers how many rows were touched."""
        ...

    async def held_jobs(self, robot_id: str) -> list[Job]:
        """Jobs that are offered to, or claimed or run by, this robot."""
        ...

    # What memory is compared with

    async def fleet_state(self) -> FleetState:
        """Every robot's profile and every held job, of one snapshot, in one read."""
        ...

    async def changed_jobs(self, after_event_id: int | None) -> ChangedJobs:
        """Jobs with a history entry after this one, each once, as they are now; no jobs for `None`. Entries become
        visible in the order of their ids."""
        ...

    # Jobs, their history and logs, to look at

    async def job(self, job_id: str) -> Job | None: ...

    async def jobs(self, wanted: JobFilter, limit: int, before: tuple[Instant, str] | None) -> list[Job]:
        """Newest first; `before` is (submitted_at, job_id) of the last one seen (keyset paging)."""
        ...

    async def count_jobs(self, wanted: JobFilter) -> JobCount:
        """Counted to 10,000 and no further."""
        ...

    async def last_jobs(self, tenant_id: str | None, limit: int) -> list[Job]:
        """The newest job of each workflow, by the workflow's name."""
        ...

    async def open_jobs(self, tenant_id: str | None, limit: int, after_id: str | None) -> list[Job]:
        """Jobs that have not ended, by job_id, after `after_id`."""
        ...

    async def position(self, job: Job) -> int:
        """The place of a job that is ready in its line, 1 being next; counted to 10,000 and no further."""
        ...

    async def waiting(self, lines: int, each: int, tenant_id: str | None = None) -> list[WaitingJob]:
        """The first `each` jobs of up to `lines` lines of a tenant (or of all), and of up to `each` jobs that are
        delayed or offered those of the tenant: what viewers look at."""
        ...

    async def job_history(self, job_id: str) -> list[JobHistoryEntry]: ...

    async def job_logs(self, job_id: str, limit: int, after_id: int) -> list[StoredLine]:
        """In order of arrival, `log_id` greater than `after_id`."""
        ...

    async def recent_logs(self, wanted: LogFilter, limit: int, after_id: int) -> list[int]:
        """The ids of the last `limit` lines behind `after_id` that match, oldest first; looks back over 200,000 lines
        at most."""
        ...

    async def log_lines(self, log_ids: Sequence[int]) -> list[StoredLine]:
        """These lines, in order; those that are gone are left out."""
        ...

    async def search_logs(self, wanted: LogFilter, limit: int, before: LogPosition | None) -> LogPage:
        """Newest first, before the position of the last one seen. Looks at a bounded number of lines, however many
        there are and whatever is asked. Lines that were there when the first page was asked for are each found once,
        whatever is added meanwhile."""
        ...

    async def counts(self, tenant_id: str | None, at: Instant) -> Counts: ...

    # What happened, to look at

    async def ended(self, tenant_id: str | None, since: Instant) -> list[Ended]:
        """Minutes in which jobs ended, oldest first; cancelled ones are not counted."""
        ...

    async def failures(self, tenant_id: str | None, since: Instant, limit: int) -> FailureGrouping:
        """Up to `limit` groups of failures since then, largest first; of the newest 10,000 failures."""
        ...

    async def oldest_pending(self, tenant_id: str | None) -> Job | None:
        """Of the jobs that could be handed out, the one submitted first; behind 10,000 pending ones that could not,
        the one that has waited longest at the head of a line."""
        ...

    async def troubled(self, tenant_id: str | None, since: Instant, limit: int) -> list[Job]:
        """Jobs that somebody should look at: closed since then without a word of their robot, or out of contact."""
        ...

    async def sample_queues(self, at: Instant) -> None:
        """Note how deep each queue is."""
        ...

    async def queue_samples(self, since: Instant) -> list[QueueSample]:
        """By time."""
        ...

    async def audit(
        self, target: str | None, actions: Sequence[str], limit: int, before_id: int | None
    ) -> list[AuditEntry]:
        """Newest first; no actions means any."""
        ...

    # Robots, keys, tenants, queues

    async def add_tenant(self, tenant: Tenant) -> bool:
        """False when it exists."""
        ...

    async def tenant(self, tenant_id: str) -> Tenant | None: ...

    async def tenants(self) -> list[Tenant]: ...

    async def add_robot(self, robot: Robot) -> bool:
        """False when it exists."""
        ...

    async def robot(self, robot_id: str) -> Robot | None: ...

    async def robots(self, tenant_id: str | None) -> list[Robot]: ...

    async def change_robot(
        self, robot_id: str, name: str | None, tags: tuple[str, ...] | None, max_concurrent_jobs: int | None
    ) -> Robot | None:
        """Store another name, other tags or slots; `None` leaves what is there. Answers the robot as it is now."""
        ...

    async def introduce(self, robot_id: str, instance_id: str) -> None:
        """The robot said which process it is; a new one answers a requested restart."""
        ...

    async def request_restart(self, robot_id: str, command_id: str, at: Instant) -> bool:
        """Keep a restart for the robot. False when there is no such robot."""
        ...

    async def add_key(self, key: RobotKey) -> None: ...

    async def key(self, key_id: str) -> RobotKey | None: ...

    async def keys(self, robot_id: str) -> list[RobotKey]: ...

    async def revoke_key(self, robot_id: str, key_id: str, at: Instant) -> bool:
        """False when the robot has no such key that is still valid."""
        ...

    async def pause_queue(self, paused: PausedQueue) -> None: ...

    async def resume_queue(self, queue: str) -> None:
        """Resuming `*` resumes all."""
        ...

    async def paused_queues(self) -> list[PausedQueue]: ...

    async def add_queue(self, queue: Queue) -> bool:
        """False when it exists."""
        ...

    async def queues(self) -> list[Queue]: ...

    async def queue_depths(self, tenant_id: str | None) -> dict[str, int]:
        """Pending jobs of each queue that has any, of one tenant or of all."""
        ...

    async def drain_robot(self, robot_id: str, at: Instant, by: str, reason: str) -> bool:
        """No new jobs for it until it is resumed; the first order counts. False when there is no such robot."""
        ...

    async def resume_robot(self, robot_id: str) -> bool:
        """False when there is no such robot."""
        ...

    async def record(self, at: Instant, by: str, action: str, target: str, note: str) -> None:
        """One line of the audit trail. Never holds a secret."""
        ...

    # Retention

    async def count_kept(self, kept: RetainedKind) -> int:
        """How many there are; takes time in proportion, so ask seldom."""
        ...

    async def forget(self, kept: RetainedKind, before: Instant, limit: int) -> int:
        """Delete up to `limit` of the oldest that are older than `before`; answers how many went."""
        ...

    async def forget_tallies(self, before: Instant) -> None:
        """Delete the counts of ends, and the samples of queues, before that moment."""
        ...

    # Life

    async def newest_instant(self) -> Instant | None:
        """The newest instant at which something is known to have been written; `None` when nothing was yet. What stays
        behind it is at most what leaves no trace (a pause, an order)."""
        ...

    async def check(self) -> None:
        """Raises StoreUnavailable when a write could not be committed now."""
        ...

    def statistics(self) -> StoreStatistics: ...

    async def close(self) -> None:
        """Commit what waits, checkpoint, close."""
        ...
