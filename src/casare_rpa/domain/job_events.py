"""The events of a job and the answers of the transition table: the types of `job_table.advance`."""

from enum import StrEnum

import msgspec

from casare_rpa.domain.job import Job
from casare_rpa.domain.vocabulary import ReportStatus


class Transition(StrEnum):
    """The numbers of the table of transitions, as the history of a job stores them."""

    UNKNOWN = "T0"
    SUBMITTED = "T1"
    OFFERED = "T2"
    CLAIMED = "T3"
    UNOFFERED = "T4"
    REOFFERED = "T5"
    STARTED = "T6"
    IMPLIED = "T7"
    RENEWED = "T8"
    PROGRESSED = "T9"
    ENDED = "T10"
    CANCELLED = "T11"
    STOPPING = "T12"
    OVERDUE = "T13"
    TIMED_OUT = "T14"
    CUT_OFF = "T15"
    LOST = "T16"
    RETURNED = "T17"
    NOT_HELD = "T18"
    CORRECTED = "T19"
    STALE = "T20"
    EXPIRED = "T21"
    NONE = "-"
    """No row of the table applies. Never stored."""


class Offered(msgspec.Struct, frozen=True, gc=False):
    """The dispatcher offers the job to the session of a robot. `claim_ack`: the robot starts it only after an ack."""

    name = "offer"
    robot_id: str
    session_id: str
    claim_ack: bool
    process: str | None = None


class OfferExpired(msgspec.Struct, frozen=True, gc=False):
    """The offer has expired; checked against `now`."""

    name = "offer_expired"
    held_name = "held_offer_expired"
    """Its name among due jobs for an offer to a robot without `claim_ack`, which may have started the job."""


class QueueExpired(msgspec.Struct, frozen=True, gc=False):
    """The job was pending for longer than its submitter allows; checked against `now`."""

    name = "queue_expired"


class OfferRejected(msgspec.Struct, frozen=True, gc=False):
    """The robot refuses the offer; `note` is its reason."""

    name = "reject"
    robot_id: str
    session_id: str
    attempt: int | None
    note: str = ""


class WorkSeen(msgspec.Struct, frozen=True, gc=False):
    """A sign that the robot works on the offered job: a log line about it, or `busy` after the offer."""

    name = "work_seen"
    robot_id: str
    session_id: str
    note: str


class Report(msgspec.Struct, frozen=True, gc=False):
    """A `job_status` of a robot. `jitter` in [0, 1) spreads the backoff before the next attempt, if there is one."""

    robot_id: str
    session_id: str
    attempt: int | None
    status: ReportStatus
    process: str | None = None
    progress: float | None = None
    message: str | None = None
    result: str | None = None
    error: str | None = None
    error_type: str | None = None
    error_code: str | None = None
    jitter: float = 0.0


class Cancel(msgspec.Struct, frozen=True, gc=False):
    """A user requests that the job stops. `reason` is sent to the robot; `by` is recorded in the history."""

    name = "cancel"
    reason: str
    by: str


class CancelSent(msgspec.Struct, frozen=True, gc=False):
    """The `job_cancel` was sent over the robot's connection."""

    name = "cancel_sent"
    robot_id: str
    session_id: str


class CancelDelivered(msgspec.Struct, frozen=True, gc=False):
    """The robot confirmed that it received the `job_cancel`."""

    name = "cancel_received"
    robot_id: str
    session_id: str
    attempt: int | None


class GraceOver(msgspec.Struct, frozen=True, gc=False):
    """The robot did not end the job within the grace time of a stop; checked against `now`."""

    name = "grace_over"


class DeadlineOver(msgspec.Struct, frozen=True, gc=False):
    """The deadline of the job (`timeout_seconds`) has passed; checked against `now`."""

    name = "deadline_over"


class SocketLost(msgspec.Struct, frozen=True, gc=False):
    """The session that holds the job has ended."""

    name = "socket_lost"
    session_id: str


class RobotReturned(msgspec.Struct, frozen=True, gc=False):
    """The robot reconnected in a new session and still holds the job."""

    name = "robot_returned"
    robot_id: str
    session_id: str
    process: str | None = None


class FrameReceived(msgspec.Struct, frozen=True, gc=False):
    """A frame of the robot that holds the job, of any kind."""

    name = "frame"
    robot_id: str


class LeaseOver(msgspec.Struct, frozen=True, gc=False):
    """The lease has expired without a sign of life of the robot; checked against `now`."""

    name = "lease_over"
    jitter: float = 0.0


class NotHeld(msgspec.Struct, frozen=True, gc=False):
    """The robot reconnected in a new session and no longer holds the job, according to `process`."""

    name = "not_held"
    robot_id: str
    session_id: str
    jitter: float = 0.0
    process: str | None = None


Event = (
    Offered
    | OfferExpired
    | QueueExpired
    | OfferRejected
    | WorkSeen
    | Report
    | Cancel
    | CancelSent
    | CancelDelivered
    | GraceOver
    | DeadlineOver
    | SocketLost
    | RobotReturned
    | FrameReceived
    | LeaseOver
    | NotHeld
)


def text_size(event: Event | None) -> int:
    """The size of the texts of an event that can be large, in characters."""
    if not isinstance(event, Report):
        return 0
    return len(event.result or "") + len(event.error or "") + len(event.message or "")


class CancelOrder(msgspec.Struct, frozen=True, gc=False):
    """A `job_cancel` to send to a robot after the change is committed."""

    job_id: str
    robot_id: str
    attempt: int
    reason: str
    grace_seconds: int | None = None
    force: bool = False


class Step(msgspec.Struct, frozen=True, gc=False):
    """A change: its number in the table, the job after it, and the order for its robot.

    `kind` is the kind of the history entry; `None` for a change without an entry (progress, a repeat).
    If `job.revision` equals that of the old job, there is nothing to write.
    """

    number: Transition
    job: Job
    kind: str | None = None
    note: str | None = None
    by: str | None = None
    order: CancelOrder | None = None


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """The job does not change. `answer` is the text of the error, with the expected values.

    `field` is the field of the message that it is about; `None` for other events. `order`, if any, is
    sent to the robot.
    """

    number: Transition
    answer: str
    kind: str | None = None
    order: CancelOrder | None = None
    field: str | None = None


UNKNOWN_JOB = Refusal(
    Transition.UNKNOWN,
    "no such job was given to this robot; expected the job_id of a job_assign to it",
    field="job_id",
)
"""The answer for an unknown job and for a job of another robot: a robot cannot find out which ids exist."""
