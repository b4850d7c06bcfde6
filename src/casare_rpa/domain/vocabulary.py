"""The enums of the contract: error and close codes, states, channels, actions.

Source: docs/reference/websocket-contract.md, Errors, Close codes.
"""

from enum import IntEnum, StrEnum


class ErrorCode(StrEnum):
    """The four codes of an `error` message."""

    AUTH_FAILED = "AUTH_FAILED"
    INVALID_MESSAGE = "INVALID_MESSAGE"
    RATE_LIMITED = "RATE_LIMITED"
    INTERNAL_ERROR = "INTERNAL_ERROR"


class Reconnect(StrEnum):
    """The rule for clients after a close; each close code has one."""

    YES = "yes"
    NO = "no"
    SLOWLY = "slowly"
    """Reconnect after five minutes."""


class CloseCode(IntEnum):
    """Why the server closed a connection. `reconnect` is the rule for the client."""

    NORMAL = 1000
    GOING_AWAY = 1001
    BROKEN_FRAME = 1002
    NO_TEXT = 1007
    TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    OVERLOADED = 1013
    PROTOCOL_ABUSE = 4000
    AUTH_FAILED = 4001
    AUTH_EXPIRED = 4002
    FORBIDDEN = 4003
    ADDRESS_REFUSED = 4004
    RATE_ABUSE = 4008
    REPLACED = 4009
    HEARTBEAT_TIMEOUT = 4010
    SLOW_CONSUMER = 4011
    RESYNC = 4012

    @property
    def reconnect(self) -> Reconnect:
        return CLOSE_CODES[self][0]

    @property
    def meaning(self) -> str:
        return CLOSE_CODES[self][1]


CLOSE_CODES: dict[CloseCode, tuple[Reconnect, str]] = {
    CloseCode.NORMAL: (Reconnect.NO, "normal closure"),
    CloseCode.GOING_AWAY: (Reconnect.YES, "the peer is going away"),
    CloseCode.BROKEN_FRAME: (Reconnect.YES, "a frame violated RFC 6455"),
    CloseCode.NO_TEXT: (Reconnect.YES, "a text message was not UTF-8"),
    CloseCode.TOO_BIG: (Reconnect.YES, "a message exceeded the size limit of the endpoint"),
    CloseCode.INTERNAL_ERROR: (Reconnect.YES, "the server failed"),
    CloseCode.SERVICE_RESTART: (Reconnect.YES, "the server is restarting"),
    CloseCode.OVERLOADED: (Reconnect.YES, "the server has too many connections"),
    CloseCode.PROTOCOL_ABUSE: (Reconnect.NO, "too many malformed messages, or a malformed request"),
    CloseCode.AUTH_FAILED: (Reconnect.NO, "the credential is missing, wrong or revoked"),
    CloseCode.AUTH_EXPIRED: (Reconnect.YES, "the credential has expired; reconnect with a new one"),
    CloseCode.FORBIDDEN: (Reconnect.NO, "the credential is valid, but not for this robot, tenant or role"),
    CloseCode.ADDRESS_REFUSED: (Reconnect.SLOWLY, "the host or the origin is not allowed; a setting can allow it"),
    CloseCode.RATE_ABUSE: (Reconnect.SLOWLY, "over the rate limit for a minute without a pause"),
    CloseCode.REPLACED: (Reconnect.SLOWLY, "replaced by a newer connection of the same robot"),
    CloseCode.HEARTBEAT_TIMEOUT: (Reconnect.YES, "no message from the robot for 90 seconds"),
    CloseCode.SLOW_CONSUMER: (Reconnect.YES, "the client did not read fast enough"),
    CloseCode.RESYNC: (Reconnect.YES, "the server requests a new connection and snapshot"),
}


REFUSALS = (CloseCode.AUTH_FAILED, CloseCode.AUTH_EXPIRED, CloseCode.FORBIDDEN, CloseCode.ADDRESS_REFUSED)
"""The close codes that follow an AUTH_FAILED."""


class Channel(StrEnum):
    """The channels of /ws/admin."""

    ROBOTS = "robots"
    JOBS = "jobs"
    QUEUE = "queue"


class RobotStatus(StrEnum):
    """The states of a robot, in heartbeats and in views."""

    IDLE = "idle"
    BUSY = "busy"
    OFFLINE = "offline"


class JobStatus(StrEnum):
    """The states of a job, as stored and as sent."""

    PENDING = "pending"
    CLAIMED = "claimed"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class ReportStatus(StrEnum):
    """The states that a robot can report for a job."""

    CLAIMED = "claimed"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """The answer to `job_cancel` of a robot that reports a cancelled job in this way. The job ends as `failed`."""
    CANCELED = "canceled"
    """Another spelling of `cancelled`."""


class StepStatus(StrEnum):
    """The states of a step of a job. Every one except `running` is final."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Action(StrEnum):
    """The actions of a `command` of an admin."""

    CANCEL_JOB = "cancel_job"
    RESTART_ROBOT = "restart_robot"
    PAUSE_QUEUE = "pause_queue"
    RESUME_QUEUE = "resume_queue"
    DRAIN_ROBOT = "drain_robot"
    RESUME_ROBOT = "resume_robot"


class ServerFeature(StrEnum):
    """The optional messages that the server accepts, listed in `connected.features`."""

    JOB_STEPS = "job_steps"
    JOB_STATUS_BATCH = "job_status_batch"


class Feature(StrEnum):
    """The features that a robot can list in `hello.features`."""

    CLAIM_ACK = "claim_ack"
    """The robot starts a job only after the ack of its `claimed`."""
    JOB_STATUS_BATCH = "job_status_batch"
    """The robot sends several reports in one message, if the server accepts that."""
