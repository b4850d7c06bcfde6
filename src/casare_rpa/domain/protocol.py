"""The messages of the WebSocket contract, one frozen struct each.

A struct is the payload, and `TYPE` is the `type` of its envelope. `codec` encodes an envelope `{"type", "payload"}` on
/ws/robot, /ws/admin and /ws/logs*, and a flat object on /ws/monitoring/* (`Flat` structs). The fields after the blank
line in a struct are additions of contract 1.1; peers that know only 1.0 ignore them.

Inbound timestamps are datetimes (any offset; without an offset, UTC). Outbound ones are text of `instants.rfc3339`.
Source: docs/reference/websocket-contract.md.
"""

from typing import Annotated, ClassVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from casare_rpa.domain import limits
from casare_rpa.domain.fields import (
    Attempt,
    GivenLevel,
    GivenTime,
    Identifier,
    JsonObject,
    NotNegative,
    Number,
    Percent,
    Time,
    WholePercent,
)
from casare_rpa.domain.logs import Level
from casare_rpa.domain.steps import JobStep
from casare_rpa.domain.vocabulary import Action, Channel, ErrorCode, JobStatus, ReportStatus, RobotStatus

PROTOCOL_VERSION = "1.1"
ID_PATTERN = rf"^[A-Za-z0-9._:-]{{1,{limits.MAX_ID_LENGTH}}}$"
"""The form of an id that a client chooses, such as that of a robot, a tenant or a queue."""

MessageId = str | int


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of all payloads. `TYPE` is the `type` of the envelope, `BESIDE` the optional fields beside it."""

    TYPE: ClassVar[str] = ""
    BESIDE: ClassVar[dict[str, object]] = {}


class Flat(Message, frozen=True, kw_only=True):
    """A message without an envelope: `type` is one of its fields (/ws/monitoring/*)."""


# Robot → orchestrator


class ActiveJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job that the robot holds: from before its `claimed` until the server acknowledged its end."""

    job_id: Identifier
    attempt: Attempt


class Heartbeat(Message, frozen=True, kw_only=True):
    """The status and load of a robot; sent every 30 seconds and when its status changes.

    Absent or null: `robot_id` is that of the connection, `timestamp` is the time of receipt, and the other fields keep
    their last value.
    """

    TYPE: ClassVar[str] = "heartbeat"
    robot_id: str | None = None
    status: RobotStatus | None = None
    cpu_percent: NotNegative | None = None
    memory_mb: NotNegative | None = None
    timestamp: GivenTime | None = None

    active_jobs: list[ActiveJob] | UnsetType | None = UNSET


class JobError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a job failed. Some values of `type` and `code` are never retried; see `job_errors`."""

    type: Annotated[str, Meta(max_length=limits.MAX_CODE_LENGTH)]
    message: Annotated[str, Meta(max_length=limits.ACCEPTED_TEXTS.message)]
    code: Annotated[str, Meta(max_length=limits.MAX_CODE_LENGTH)] | None = None
    node_id: Annotated[str, Meta(max_length=limits.ACCEPTED_TEXTS.node_id)] | None = None
    traceback: Annotated[str, Meta(max_length=limits.ACCEPTED_TEXTS.traceback)] | None = None


class JobReport(Message, frozen=True, kw_only=True, omit_defaults=True):
    """The status of a job: `claimed` accepts the assignment, then `running`, then `completed` or `failed`."""

    TYPE: ClassVar[str] = "job_status"
    job_id: Identifier
    status: ReportStatus
    timestamp: GivenTime | None = None
    progress: Percent | None = None
    message: Annotated[str, Meta(max_length=limits.ACCEPTED_TEXTS.message)] | None = None

    attempt: Attempt | None = None
    result: msgspec.Raw | UnsetType = UNSET
    error: JobError | None = None


class JobStatusBatch(Message, frozen=True, kw_only=True):
    """Up to 100 reports, which count as one message against the rate limit and have one answer."""

    TYPE: ClassVar[str] = "job_status_batch"
    reports: Annotated[list[JobReport], Meta(min_length=1, max_length=limits.MAX_REPORTS_IN_BATCH)]


class RobotLog(Message, frozen=True, kw_only=True, omit_defaults=True):
    """A log line of a robot."""

    TYPE: ClassVar[str] = "log"
    robot_id: str | None = None
    level: GivenLevel
    message: str
    timestamp: GivenTime | None = None
    job_id: Identifier | None = None
    node_id: Annotated[str, Meta(max_length=limits.ACCEPTED_TEXTS.node_id)] | None = None

    seq: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    """Its number in the robot's journal. The server stores a repeated line once."""


class LogBatch(Message, frozen=True, kw_only=True):
    """Up to 1,000 log lines, which count as one message against the rate limit."""

    TYPE: ClassVar[str] = "log_batch"
    entries: Annotated[list[RobotLog], Meta(max_length=limits.MAX_LINES_IN_BATCH)]


class JobSteps(Message, frozen=True, kw_only=True):
    """Up to 500 steps of a job, such as the keywords of a Robot Framework suite."""

    TYPE: ClassVar[str] = "job_steps"
    job_id: Identifier
    attempt: Attempt | None = None
    steps: Annotated[list[JobStep], Meta(max_length=limits.MAX_STEPS_IN_MESSAGE)]


class Hello(Message, frozen=True, kw_only=True):
    """An optional description of the robot. A robot that sends none has its stored profile and one slot."""

    TYPE: ClassVar[str] = "hello"
    instance_id: Identifier
    name: Annotated[str, Meta(max_length=limits.MAX_NAME_LENGTH)] | None = None
    version: Annotated[str, Meta(max_length=limits.MAX_VERSION_LENGTH)] | None = None
    capabilities: Annotated[list[Identifier], Meta(max_length=limits.MAX_TAGS)] | None = None
    tags: Annotated[list[Identifier], Meta(max_length=limits.MAX_TAGS)] | None = None
    max_concurrent_jobs: Annotated[int, Meta(ge=1, le=1000)] | None = None
    active_jobs: list[ActiveJob] | UnsetType | None = UNSET
    features: Annotated[list[str], Meta(max_length=limits.MAX_TAGS)] | None = None
    log_journal: Identifier | UnsetType | None = UNSET
    """The id of the journal that numbers its log lines in `seq`. A new journal starts at 1."""
    workflows: Annotated[list[Identifier], Meta(max_length=limits.MAX_WORKFLOWS)] | UnsetType | None = UNSET
    """The workflows of the robot. Absent: jobs of every workflow are offered to it. Empty: no jobs are offered."""


class JobReject(Message, frozen=True, kw_only=True):
    """The robot refuses the offer; the job is pending again."""

    TYPE: ClassVar[str] = "job_reject"
    job_id: Identifier
    attempt: Attempt | None = None
    reason: Annotated[str, Meta(max_length=limits.MAX_REASON_LENGTH)] = ""


class CancelReceived(Message, frozen=True, kw_only=True, omit_defaults=True):
    """The robot received a `job_cancel` and begins to stop the job."""

    TYPE: ClassVar[str] = "cancel_received"
    job_id: Identifier
    attempt: Attempt | None = None


class Pong(Message, frozen=True, kw_only=True):
    """An answer to `ping`; never required."""

    TYPE: ClassVar[str] = "pong"


# Orchestrator → robot


class RateLimitNotice(msgspec.Struct, frozen=True, kw_only=True):
    """The rate limit of this connection; null in `connected` if it is off."""

    messages_per_second: float
    burst: float


class WorkLimitNotice(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of a robot on its bytes in messages over 2 KiB, and on its lines in `log_batch` messages.

    Null for a limit that is off.
    """

    bytes_per_second: float | None
    bytes_burst: float | None
    lines_per_second: float | None
    lines_burst: float | None


class HeldJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job that the robot holds according to the server."""

    job_id: str
    status: JobStatus
    attempt: int


class Connected(Message, frozen=True, kw_only=True):
    """The first message on every accepted connection of a robot."""

    TYPE: ClassVar[str] = "connected"
    robot_id: str
    session_id: str
    protocol_version: str = PROTOCOL_VERSION
    heartbeat_interval_seconds: int
    heartbeat_timeout_seconds: int
    rate_limit: RateLimitNotice | None
    max_message_bytes: int
    jobs: list[HeldJob]
    timestamp: Time
    work_limit: WorkLimitNotice | None = None
    features: list[str] = []
    """The optional messages that the server accepts: `job_steps`, `job_status_batch`."""


class JobAssign(Message, frozen=True, kw_only=True):
    """Offers a job; the robot accepts it with `claimed`. The same `(job_id, attempt)` may arrive more than once."""

    TYPE: ClassVar[str] = "job_assign"
    job_id: str
    workflow_id: str
    priority: int
    parameters: JsonObject
    timeout_seconds: int

    attempt: int | None = None
    lease_seconds: int | None = None
    deadline: Time | None = None


class JobCancel(Message, frozen=True, kw_only=True, omit_defaults=True):
    """Requests that the robot stops a job, with `force` by any means. The robot confirms with the end of the job."""

    TYPE: ClassVar[str] = "job_cancel"
    job_id: str
    reason: str

    attempt: int | None = None
    grace_seconds: int | None = None
    force: bool = False


class Ping(Message, frozen=True, kw_only=True):
    """Sent after 30 seconds without another message of the server; needs no answer."""

    TYPE: ClassVar[str] = "ping"
    timestamp: Time


class RobotCommand(Message, frozen=True, kw_only=True):
    """Requests that the robot finishes its jobs and restarts."""

    TYPE: ClassVar[str] = "command"
    command_id: str
    action: str
    mode: str
    deadline_seconds: int
    timestamp: Time


class Ack(Message, frozen=True, kw_only=True):
    """Confirms that the message with this `id` is durable, or was a repeat."""

    TYPE: ClassVar[str] = "ack"
    id: str | int


class Error(Message, frozen=True, kw_only=True, omit_defaults=True):
    """Why a message was refused. The `id` beside `type` is the id of the refused message."""

    TYPE: ClassVar[str] = "error"
    BESIDE: ClassVar[dict[str, object]] = {"id": MessageId}
    code: ErrorCode
    message: str
    timestamp: Time

    retry_after_ms: int | None = None


# Dashboard → orchestrator


class Subscribe(Message, frozen=True, kw_only=True):
    """Subscribes to channels: first a snapshot, then each change."""

    TYPE: ClassVar[str] = "subscribe"
    channels: Annotated[list[Channel], Meta(max_length=limits.MAX_CHANNELS)]

    since: Annotated[str, Meta(max_length=limits.MAX_POSITION_LENGTH)] | UnsetType | None = UNSET
    """The last position of the channel `jobs`, as `epoch:seq`; null requests positions without a resume."""


class Unsubscribe(Message, frozen=True, kw_only=True):
    """Ends the subscription to channels."""

    TYPE: ClassVar[str] = "unsubscribe"
    channels: Annotated[list[Channel], Meta(max_length=limits.MAX_CHANNELS)]


class Command(Message, frozen=True, kw_only=True, omit_defaults=True):
    """A command of an admin. `action` decides whether `target_id` is a job, a robot or a queue.

    Contract 1.0 does not name the queue of `pause_queue`: no target means all queues there.
    """

    TYPE: ClassVar[str] = "command"
    action: Action
    target_id: Annotated[str, Meta(max_length=limits.MAX_ID_LENGTH)] | None = None
    reason: Annotated[str, Meta(max_length=limits.MAX_REASON_LENGTH)] | None = None


class AuthRefresh(Message, frozen=True, kw_only=True):
    """A new token for a monitoring connection, sent before the current token expires."""

    TYPE: ClassVar[str] = "auth_refresh"
    token: str


# Orchestrator → dashboard


class RobotState(Message, frozen=True, kw_only=True):
    """The state of a robot, computed from its connection, its heartbeats and its jobs."""

    TYPE: ClassVar[str] = "robot_status"
    robot_id: str
    status: RobotStatus
    cpu_percent: float
    memory_mb: int
    current_job: str | None
    timestamp: Time

    last_heartbeat_at: Time | None = None
    clock_skew_seconds: float | UnsetType = UNSET
    draining: bool | UnsetType = UNSET


class WaitReason(msgspec.Struct, frozen=True, kw_only=True):
    """A reason why a job is pending: `code` for programs, `message` for people."""

    code: str
    message: str


class JobUpdate(Message, frozen=True, kw_only=True):
    """The current state of a job; sent on each change, for progress at most twice a second."""

    TYPE: ClassVar[str] = "job_update"
    BESIDE: ClassVar[dict[str, object]] = {"epoch": str, "seq": Number}
    job_id: str
    status: JobStatus
    robot_id: str | None
    progress: WholePercent
    timestamp: Time

    reason: str | UnsetType = UNSET
    attempt: int | UnsetType = UNSET
    message: str | UnsetType = UNSET
    workflow_id: str | UnsetType = UNSET
    contact: str | UnsetType = UNSET
    pending_reasons: list[WaitReason] | UnsetType = UNSET
    cancel: str | UnsetType = UNSET
    progress_exact: Percent | UnsetType = UNSET
    """The progress, if it has a fraction."""


class QueueMetrics(Message, frozen=True, kw_only=True):
    """Jobs by status; sent on change at most once a second, and at least every 5 seconds."""

    TYPE: ClassVar[str] = "queue_metrics"
    pending: int
    running: int
    completed_24h: int
    failed_24h: int
    timestamp: Time

    claimed: int = 0
    """Jobs that a robot has accepted and not started."""
    paused: list[str] = []
    audit_id: int = 0


class LogMessage(Message, frozen=True, kw_only=True):
    """A log line of a robot; sent after it is stored.

    Beside `type`: `log_id` grows in the order of storage, `seq` numbers the lines of its robot, and `dropped` counts
    the lines left out before it because the viewer read too slowly or reconnected too late.
    """

    TYPE: ClassVar[str] = "log"
    BESIDE: ClassVar[dict[str, object]] = {"log_id": Number, "seq": Number, "dropped": Annotated[int, Meta(ge=1)]}
    robot_id: str
    level: Level
    message: str
    timestamp: Time
    job_id: str | None
    node_id: str | None

    truncated: bool | UnsetType = UNSET


class Subscribed(Message, frozen=True, kw_only=True):
    """Answers a `subscribe` with `since`. If `recovered`, the missed changes follow; this is the position before them.

    Otherwise a snapshot follows, up to `snapshot_end`.
    """

    TYPE: ClassVar[str] = "subscribed"
    channel: Channel
    recovered: bool
    epoch: str
    seq: int


class SnapshotEnd(Message, frozen=True, kw_only=True):
    """Ends a snapshot. The changes after it are numbered from the next position."""

    TYPE: ClassVar[str] = "snapshot_end"
    epoch: str
    seq: int


class LiveSubscribed(Flat, frozen=True, kw_only=True):
    """The same as `Subscribed`, for /ws/monitoring/live-jobs with `?since=`."""

    TYPE: ClassVar[str] = "subscribed"
    recovered: bool
    epoch: str
    seq: int


class LiveSnapshotEnd(Flat, frozen=True, kw_only=True):
    """Ends a snapshot. The changes after it are numbered from the next position."""

    TYPE: ClassVar[str] = "snapshot_end"
    epoch: str
    seq: int


class LiveJob(Flat, frozen=True, kw_only=True):
    """A change of the status of a job."""

    TYPE: ClassVar[str] = "job_update"
    job_id: str
    status: JobStatus
    timestamp: Time

    epoch: str | UnsetType = UNSET
    seq: Number | UnsetType = UNSET


class RobotHeartbeat(Flat, frozen=True, kw_only=True):
    """The state of a robot; sent every 5 seconds and on change."""

    TYPE: ClassVar[str] = "robot_heartbeat"
    robot_id: str
    status: RobotStatus
    cpu_percent: float
    memory_mb: float
    timestamp: Time


class QueueDepth(Flat, frozen=True, kw_only=True):
    """The number of pending jobs; sent every 5 seconds and on change."""

    TYPE: ClassVar[str] = "queue_metrics"
    depth: int
    timestamp: Time


RobotReport = JobReport | JobStatusBatch
FromRobot = Heartbeat | RobotReport | RobotLog | LogBatch | JobSteps | Hello | JobReject | CancelReceived | Pong
ToRobot = Connected | JobAssign | JobCancel | Ping | RobotCommand | Ack | Error
FromAdmin = Subscribe | Unsubscribe | Command
ToAdmin = RobotState | JobUpdate | QueueMetrics | Subscribed | SnapshotEnd | Ack | Error
FromMonitoring = AuthRefresh
ToLiveJobs = LiveJob | LiveSubscribed | LiveSnapshotEnd | Error
ToRobotStatus = RobotHeartbeat | Error
ToQueueMetrics = QueueDepth | Error
ToLogs = LogMessage | Error
