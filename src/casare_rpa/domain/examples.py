"""One example of every message of the contract, as a struct; `codec.encode` makes its JSON text.

The AsyncAPI document contains them, and they are valid by its schemas.
"""

from datetime import UTC, datetime, timedelta

import msgspec

from casare_rpa.domain import protocol, vocabulary
from casare_rpa.domain.logs import Level
from casare_rpa.domain.protocol import (
    ActiveJob,
    HeldJob,
    JobError,
    Message,
    RateLimitNotice,
    RobotLog,
    WorkLimitNotice,
)
from casare_rpa.domain.steps import JobStep
from casare_rpa.domain.vocabulary import Channel, ErrorCode, JobStatus, ReportStatus, RobotStatus, StepStatus

_GIVEN = datetime(2026, 3, 2, 8, 15, 4, tzinfo=UTC)
_NOW = "2026-03-02T08:15:04.310Z"
_ROBOT = "alpha-07"
_EPOCH = "9f1c2ab0d4e75f36"
_POSITION = f"{_EPOCH}:4711"
_JOB = "job-5f0c21"
_HELD = [ActiveJob(job_id=_JOB, attempt=1)]
_LINE = RobotLog(
    robot_id=_ROBOT,
    level="INFO",
    message="Opened folder inbox",
    timestamp=_GIVEN,
    job_id=_JOB,
    node_id="Open Folder",
    seq=117,
)

EXAMPLES: tuple[Message, ...] = (
    # Robot → orchestrator
    protocol.Heartbeat(
        robot_id=_ROBOT,
        status=RobotStatus.BUSY,
        cpu_percent=12.5,
        memory_mb=612.75,
        timestamp=_GIVEN,
        active_jobs=_HELD,
    ),
    protocol.JobReport(
        job_id=_JOB,
        status=ReportStatus.FAILED,
        timestamp=_GIVEN,
        progress=65.5,
        message="The supplier list could not be read",
        attempt=1,
        result=msgspec.Raw(b'{"checked":19}'),
        error=JobError(
            type="business",
            message="suppliers.csv has no column 'id'",
            code="SUPPLIERS_UNREADABLE",
            node_id="Read Suppliers",
            traceback="invoices.robot, line 31",
        ),
    ),
    protocol.JobStatusBatch(
        reports=[
            protocol.JobReport(job_id=_JOB, status=ReportStatus.COMPLETED, attempt=1),
            protocol.JobReport(job_id="job-5f0c22", status=ReportStatus.CLAIMED, attempt=1),
        ]
    ),
    _LINE,
    protocol.LogBatch(entries=[_LINE]),
    protocol.JobSteps(
        job_id=_JOB,
        attempt=1,
        steps=[
            JobStep(id=1, name="Invoices", kind="test", status=StepStatus.RUNNING, started_at=_GIVEN),
            JobStep(
                id=2,
                parent=1,
                name="Open Folder",
                kind="keyword",
                status=StepStatus.PASSED,
                started_at=_GIVEN,
                ended_at=_GIVEN + timedelta(seconds=3),
            ),
        ],
    ),
    protocol.Hello(
        instance_id="b41f7c9e",
        name="Accounts, desk 7",
        version="0.1.0",
        capabilities=["robotframework"],
        tags=["accounts", "linux"],
        max_concurrent_jobs=2,
        active_jobs=_HELD,
        features=[vocabulary.Feature.CLAIM_ACK, vocabulary.Feature.JOB_STATUS_BATCH],
        log_journal="9a0c55d1",
        workflows=["invoices", "letters"],
    ),
    protocol.JobReject(job_id=_JOB, attempt=1, reason="the scanner is switched off"),
    protocol.CancelReceived(job_id=_JOB, attempt=1),
    protocol.Pong(),
    # Orchestrator → robot
    protocol.Connected(
        robot_id=_ROBOT,
        session_id="ses-90ab13",
        heartbeat_interval_seconds=30,
        heartbeat_timeout_seconds=90,
        rate_limit=RateLimitNotice(messages_per_second=100, burst=200),
        max_message_bytes=262_144,
        jobs=[HeldJob(job_id=_JOB, status=JobStatus.RUNNING, attempt=1)],
        timestamp=_NOW,
        work_limit=WorkLimitNotice(
            bytes_per_second=262_144, bytes_burst=4_194_304, lines_per_second=1000, lines_burst=10_000
        ),
        features=[*vocabulary.ServerFeature],
    ),
    protocol.JobAssign(
        job_id=_JOB,
        workflow_id="invoices",
        priority=8,
        parameters=msgspec.Raw(b'{"folder":"inbox","limit":30}'),
        timeout_seconds=900,
        attempt=1,
        lease_seconds=90,
        deadline="2026-03-02T08:30:04.100Z",
    ),
    protocol.JobCancel(job_id=_JOB, reason="wrong folder", attempt=1, grace_seconds=30, force=True),
    protocol.Ping(timestamp=_NOW),
    protocol.RobotCommand(command_id="cmd-31", action="restart", mode="graceful", deadline_seconds=300, timestamp=_NOW),
    protocol.Ack(id="alpha-07/118"),
    protocol.Error(
        code=ErrorCode.RATE_LIMITED,
        message="too many messages: 100 a second, 200 at once; slow down",
        timestamp=_NOW,
        retry_after_ms=250,
    ),
    # Dashboard → orchestrator
    protocol.Subscribe(channels=[Channel.ROBOTS, Channel.JOBS, Channel.QUEUE], since=_POSITION),
    protocol.Unsubscribe(channels=[Channel.JOBS]),
    protocol.Command(action=vocabulary.Action.CANCEL_JOB, target_id=_JOB, reason="end of the month"),
    protocol.AuthRefresh(token="a fresh JWT"),  # noqa: S106 - an example
    # Orchestrator → dashboard
    protocol.RobotState(
        robot_id=_ROBOT,
        status=RobotStatus.IDLE,
        cpu_percent=12.5,
        memory_mb=613,
        current_job=None,
        timestamp=_NOW,
        last_heartbeat_at="2026-03-02T08:15:04.120Z",
        clock_skew_seconds=-41.5,
        draining=True,
    ),
    protocol.JobUpdate(
        job_id=_JOB,
        status=JobStatus.FAILED,
        robot_id=_ROBOT,
        progress=40,
        progress_exact=40.4,
        timestamp=_NOW,
        reason="cancelled",
        attempt=2,
        message="wrong folder",
        workflow_id="invoices",
        contact="lost",
        pending_reasons=[
            protocol.WaitReason(code="jobs_ahead", message="position 7 among jobs with the same requirements")
        ],
        cancel="received",
    ),
    protocol.Subscribed(channel=Channel.JOBS, recovered=True, epoch=_EPOCH, seq=4711),
    protocol.SnapshotEnd(epoch=_EPOCH, seq=4711),
    protocol.QueueMetrics(
        pending=17,
        running=2,
        completed_24h=480,
        failed_24h=6,
        timestamp=_NOW,
        claimed=1,
        paused=["default"],
        audit_id=17,
    ),
    protocol.LogMessage(
        robot_id=_ROBOT,
        level=Level.WARNING,
        message="the head … the tail",
        timestamp=_NOW,
        job_id=_JOB,
        node_id=None,
        truncated=True,
    ),
    protocol.LiveJob(job_id=_JOB, status=JobStatus.COMPLETED, timestamp=_NOW, epoch=_EPOCH, seq=4712),
    protocol.LiveSubscribed(recovered=False, epoch=_EPOCH, seq=4711),
    protocol.LiveSnapshotEnd(epoch=_EPOCH, seq=4711),
    protocol.RobotHeartbeat(
        robot_id=_ROBOT, status=RobotStatus.IDLE, cpu_percent=12.5, memory_mb=612.75, timestamp=_NOW
    ),
    protocol.QueueDepth(depth=17, timestamp=_NOW),
)
