"""Records about jobs that pass between the slices and the store."""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job, Reason
from casare_rpa.domain.job_events import Event, Refusal, Step
from casare_rpa.domain.vocabulary import JobStatus


class JobToAdd(msgspec.Struct, frozen=True, gc=False):
    """A job to add. `body_digest` distinguishes a repeated submit from a different one with the same idempotency key.

    `by` and `request_id` go into the first history entry, which is the audit entry of the submit.
    """

    job: Job
    idempotency_key: str | None = None
    body_digest: str = ""
    by: str | None = None
    request_id: str | None = None


class ChangeNumbers(msgspec.Struct, frozen=True, gc=False):
    """The place of a change among all changes of the store, and among those of its tenant.

    Changes that viewers see are numbered without gaps, in the order of their commits.
    """

    seq: int
    """The number among all; for a change that viewers do not see, the number of the last one before it."""
    tenant_seq: int | None
    """The number among the changes of the tenant; `None` for a change that viewers do not see."""
    at: Instant


class Added(msgspec.Struct, frozen=True, gc=False):
    """The job of a submit. `created` is False if the idempotency key was known; `job` is then the earlier job."""

    job: Job
    created: bool
    numbers: ChangeNumbers | None = None
    """`None` if the job was not created."""


class Change(msgspec.Struct, frozen=True, gc=False):
    """An event of a job and its time."""

    job_id: str
    event: Event
    at: Instant


class Applied(msgspec.Struct, frozen=True, gc=False):
    """The result of a Change: the job before it (`None` if unknown), and the answer of the transition table."""

    before: Job | None
    answer: Step | Refusal
    numbers: ChangeNumbers | None = None
    """`None` if the job did not change."""


class ShownChange(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A stored change of a job as viewers see it. It has the fields of a job that `job_messages` reads."""

    visible_robot_id: str | None
    reason: Reason | None
    progress: float
    message: str | None
    contact_lost: bool
    cancel_stage: str | None
    revision: int
    job_id: str
    workflow_id: str
    tenant_id: str
    status: JobStatus
    attempt: int
    seq: int
    tenant_seq: int
    at: Instant

    @property
    def numbers(self) -> ChangeNumbers:
        return ChangeNumbers(self.seq, self.tenant_seq, self.at)


class ShownChanges(msgspec.Struct, frozen=True, gc=False):
    """Changes after a number, in order, and the state of their sequence, from one snapshot of the store.

    A change is missing if its job was deleted. All changes after the number `deleted` are there.
    """

    last: int
    """The newest number."""
    deleted: int
    """The greatest number of a deleted change; 0 without one."""
    epoch: str
    changes: list[ShownChange]


class StreamState(msgspec.Struct, frozen=True, gc=False):
    """The sequence of changes: its epoch, and the newest number of all changes and of each tenant's."""

    epoch: str
    last: int
    by_tenant: dict[str, int]


class JobOrder(StrEnum):
    """The order of a list of jobs; a minus means newest first. A list by the end has ended jobs only."""

    NEWEST = "-created"
    OLDEST = "created"
    LAST_ENDED = "-finished"
    FIRST_ENDED = "finished"

    @property
    def by_end(self) -> bool:
        """Whether jobs are ordered by their end."""
        return self in (JobOrder.LAST_ENDED, JobOrder.FIRST_ENDED)

    @property
    def descending(self) -> bool:
        """Whether the newest comes first."""
        return self.value.startswith("-")

    def position(self, job: Job) -> tuple[Instant, str]:
        """The place of a job in the list."""
        return (job.finished_at if self.by_end and job.finished_at is not None else job.submitted_at), job.job_id


@dataclass(frozen=True, slots=True)
class JobFilter:
    """The filter of a list of jobs; `None` and `()` mean any. `robot_id` is compared with `Job.visible_robot_id`."""

    tenant_id: str | None = None
    statuses: tuple[JobStatus, ...] = ()
    robot_id: str | None = None
    workflow_id: str | None = None
    queue: str | None = None
    reasons: tuple[Reason, ...] = ()
    fingerprint: str | None = None
    prefix: str | None = None
    """The beginning of the workflow's name or of the job's id."""
    since: Instant | None = None
    until: Instant | None = None
    """Submitted from `since` on and before `until`."""
    ended_since: Instant | None = None
    ended_until: Instant | None = None
    """Ended from `ended_since` on and before `ended_until`."""
    to_cancel: bool = False
    """Only open jobs without a cancel request."""
    to_retry: bool = False
    """Only ended jobs without a retry."""


@dataclass(frozen=True, slots=True)
class JobHistoryEntry:
    """A stored history entry of a job. `by` is the user, `note` the reason or a detail."""

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
    request_id: str | None = None
    """The HTTP request that submitted the job; only in its first entry."""


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """A pending job and its position among the jobs of its placement.

    The position is `None` while the job is delayed or offered.
    """

    job: Job
    position: int | None
