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
    """The dispatcher gives the job to a robot's session. `claim_ack`: it starts only after our ack."""

    name = "offer"
    robot_id: str
    session_id: str
    claim_ack: bool


class OfferExpired(msgspec.Struct, frozen=True, gc=False):
    """The offer's time is over; checked against `now`."""

    name = "offer_expired"


class QueueExpired(msgspec.Struct, frozen=True, gc=False):
    """It waited longer than its submitter allowed; checked against `now`."""

    name = "queue_expired"


class OfferRejected(msgspec.Struct, frozen=True, gc=False):
    """The robot will not take the offer."""

    name = "reject"
    robot_id: str
    session_id: str
    attempt: int | None
    note: str = ""


class Report(msgspec.Struct, frozen=True, gc=False):
    """A robot's `job_status`. `jitter` in [0, 1) spreads the backoff, should another attempt follow."""

    robot_id: str
    session_id: str
    attempt: int | None
    status: ReportStatus
    progress: float | None = None
    message: str | None = None
    result: str | None = None
    error: str | None = None
    error_type: str | None = None
    error_code: str | None = None
    jitter: float = 0.0


class Cancel(msgspec.Struct, frozen=True, gc=False):
    """Someone wants it stopped. `reason` is told to the robot; `by` goes into the history."""

    name = "cancel"
    reason: str
    by: str


class CancelSent(msgspec.Struct, frozen=True, gc=False):
    """The order to stop went out over the robot's connection."""

    name = "cancel_sent"
    robot_id: str
    session_id: str


class CancelDelivered(msgspec.Struct, frozen=True, gc=False):
    """The robot has heard the order to stop."""

    name = "cancel_received"
    robot_id: str
    session_id: str
    attempt: int | None


class GraceOver(msgspec.Struct, frozen=True, gc=False):
    """The robot did not confirm a cancel in time; checked against `now`."""

    name = "grace_over"


class DeadlineOver(msgspec.Struct, frozen=True, gc=False):
    """`timeout_seconds` are over; checked against `now`."""

    name = "deadline_over"


class SocketLost(msgspec.Struct, frozen=True, gc=False):
    """The session that holds the job is gone."""

    name = "socket_lost"
    session_id: str


class RobotReturned(msgspec.Struct, frozen=True, gc=False):
    """The robot is back in a new session and still holds the job."""

    name = "robot_returned"
    robot_id: str
    session_id: str


class FrameReceived(msgspec.Struct, frozen=True, gc=False):
    """Any frame of the robot that holds the job."""

    name = "frame"
    robot_id: str


class LeaseOver(msgspec.Struct, frozen=True, gc=False):
    """Nothing was heard for a whole lease; checked against `now`."""

    name = "lease_over"
    jitter: float = 0.0


class NotHeld(msgspec.Struct, frozen=True, gc=False):
    """The robot is back in a new session and does not hold the job any more."""

    name = "not_held"
    robot_id: str
    session_id: str
    jitter: float = 0.0


Event = (
    Offered
    | OfferExpired
    | QueueExpired
    | OfferRejected
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


class CancelOrder(msgspec.Struct, frozen=True, gc=False):
    """A `job_cancel` that a robot must be sent once the change is committed."""

    job_id: str
    robot_id: str
    attempt: int
    reason: str
    grace_seconds: int | None = None
    force: bool = False


class Step(msgspec.Struct, frozen=True, gc=False):
    """The change: number in the table, the job after it, and what its robot must be told.

    `kind` names the history entry; `None` means that history says nothing of it (progress, a repeat).
    `job.revision` is that of the old job when nothing is to be written.
    """

    number: Transition
    job: Job
    kind: str | None = None
    note: str | None = None
    by: str | None = None
    order: CancelOrder | None = None


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """The job does not change. `answer` is the sentence of the error, about `field` of the report; `order`, if any, is
    sent to the robot."""

    number: Transition
    answer: str
    kind: str | None = None
    order: CancelOrder | None = None
    field: str | None = None


UNKNOWN_JOB = Refusal(Transition.UNKNOWN, "no such job was given to this robot", field="job_id")
"""The same for a job that does not exist and for one of another robot: nothing to learn by guessing."""
