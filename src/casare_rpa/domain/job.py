"""A job as one immutable value: a row of the store. `job_table` decides how it changes."""

from enum import StrEnum
from typing import Annotated, Any

import msgspec

from casare_rpa.domain.instants import Instant, after
from casare_rpa.domain.job_request import FieldMark, JobRequest
from casare_rpa.domain.robots import Placement
from casare_rpa.domain.vocabulary import JobStatus

AGEING_SECONDS_PER_PRIORITY = 600


class Reason(StrEnum):
    """Why a job is `failed`."""

    ERROR = "error"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    ROBOT_LOST = "robot_lost"
    REJECTED = "rejected"
    EXPIRED = "expired"


class Phase(StrEnum):
    """The phase of a job in the transition table: its status, with `offer` separate from `pending`."""

    PENDING = "pending"
    OFFER = "offer"
    CLAIMED = "claimed"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


_PENDING, _OFFER = JobStatus.PENDING, Phase.OFFER
_PHASE_OF = {status: Phase(status.value) for status in JobStatus}


def _required() -> Any:  # noqa: ANN401 - never returns
    """The default of a required field after the optional fields of JobRequest."""
    raise TypeError("Job: job_id and submitted_at are required")


class Job(JobRequest, frozen=True, gc=False):
    """A row of the table jobs. JSON values are text; `robot_id` is the last robot that it was offered to.

    `attempt` numbers the offers, so that late reports are recognised. `starts` counts claims, up to `max_attempts`.
    """

    job_id: Annotated[str, FieldMark.SHOWN] = msgspec.field(default_factory=_required)
    submitted_at: Instant = msgspec.field(default_factory=_required)
    status: Annotated[JobStatus, FieldMark.SHOWN] = JobStatus.PENDING
    reason: Annotated[Reason | None, FieldMark.SHOWN] = None
    queue_expires_at: Instant | None = None
    """The time at which the unclaimed job expires; set while it is pending or offered."""
    attempt: Annotated[int, FieldMark.SHOWN] = 0
    starts: int = 0
    robot_id: str | None = None
    session_id: str | None = None
    former_robots: tuple[str, ...] = ()
    withdrawn_from: str | None = None
    """The robot without `claim_ack` whose offer expired, until the next offer: its reports still count."""
    claim_ack: bool = False
    process: str | None = None
    """The process that the job was given to, see `process_of`; `None` for a robot without `hello`."""
    offer_expires_at: Instant | None = None
    lease_expires_at: Instant | None = None
    deadline_at: Instant | None = None
    contact_lost_at: Instant | None = None
    cancel_requested_at: Annotated[Instant | None, FieldMark.SHOWN] = None
    cancel_reason: str | None = None
    cancel_requested_by: str | None = None
    cancel_sent_at: Instant | None = None
    """The time at which a `job_cancel` was last sent to the robot."""
    cancel_received_at: Instant | None = None
    """The time at which the robot confirmed the receipt of the `job_cancel`; 1.0 robots do not confirm it."""
    cancel_for: Reason | None = None
    grace_expires_at: Instant | None = None
    forced: bool = False
    unconfirmed: bool = False
    reconciled: bool = False
    late_reports: int = 0
    progress: Annotated[float, FieldMark.SHOWN] = 0.0
    message: Annotated[str | None, FieldMark.SHOWN] = None
    result: Annotated[str | None, FieldMark.JSON] = None
    error: Annotated[str | None, FieldMark.JSON_OBJECT] = None
    started_at: Annotated[Instant | None, FieldMark.SHOWN] = None
    finished_at: Annotated[Instant | None, FieldMark.SHOWN] = None
    revision: int = 0

    @property
    def phase(self) -> Phase:
        if self.status is _PENDING and self.offer_expires_at is not None:
            return _OFFER
        return _PHASE_OF[self.status]

    @property
    def cancel_stage(self) -> str | None:
        """The progress of a cancel while a robot holds the job: `requested`, `sent` or `received`."""
        if self.cancel_requested_at is None or self.finished_at is not None:
            return None
        if self.cancel_received_at is not None:
            return "received"
        return "requested" if self.cancel_sent_at is None else "sent"

    @property
    def contact_lost(self) -> bool:
        """Whether the robot that holds the job is not connected."""
        return self.contact_lost_at is not None

    @property
    def visible_robot_id(self) -> str | None:
        """The robot in views. `None` for an offered job, because views show it as pending."""
        return None if self.status is _PENDING else self.robot_id

    @property
    def rank(self) -> Instant:
        """The order in the queue, earlier first: one step of priority equals ten minutes of waiting."""
        return rank_of(self.submitted_at, self.priority)

    @property
    def placement(self) -> Placement:
        """The requirements for its robot, which jobs in the same line share."""
        tags = tuple(sorted(set(self.tags)))
        return Placement(self.tenant_id, self.queue, self.target_robot_id, tags, self.workflow_id)

    @property
    def attempts_left(self) -> bool:
        return self.starts < self.max_attempts


def rank_of(submitted_at: Instant, priority: int) -> Instant:
    """`submitted_at - priority x 10 min`.

    The rank of a waiting job is constant and new jobs get later ranks, so jobs of low priority do not starve.
    """
    return after(submitted_at, -priority * AGEING_SECONDS_PER_PRIORITY)
