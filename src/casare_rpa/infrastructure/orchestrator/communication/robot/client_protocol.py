"""A robot's side of the conversation: what it answers to the orchestrator, and which jobs it holds meanwhile."""

import asyncio
import logging
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.errors import ConnectionLost
from casare_rpa.domain.liveness import Backoff
from casare_rpa.domain.protocol import (
    ErrorCode,
    Heartbeat,
    Hello,
    JobAssign,
    JobCancel,
    JobError,
    JobReport,
    ReportStatus,
    RobotCommand,
    RobotStatus,
)
from casare_rpa.infrastructure.orchestrator.communication.robot import messages, system_stats
from casare_rpa.infrastructure.orchestrator.communication.robot.callbacks import Callbacks
from casare_rpa.infrastructure.orchestrator.communication.robot.inbox import MessageInbox
from casare_rpa.infrastructure.orchestrator.communication.robot.job_ledger import HeldJobs
from casare_rpa.infrastructure.orchestrator.communication.robot.retransmit import Kind, SentMessage
from casare_rpa.infrastructure.orchestrator.communication.robot.send_queue import SendQueue
from casare_rpa.infrastructure.orchestrator.communication.robot.spool import Memory

logger = logging.getLogger(__name__)

ENDS = (ReportStatus.COMPLETED, ReportStatus.FAILED)
_NOT_NOW = (ErrorCode.INTERNAL_ERROR, ErrorCode.RATE_LIMITED)
DEFAULT_PAUSE_MS = 1_000

Pause = Callable[[float], None]


@dataclass(slots=True, eq=False)
class _Claim:
    kept: SentMessage
    attempt: int
    decided: asyncio.Future[bool]


class ClientProtocol:
    """One for the life of a client; connections come and go under it."""

    def __init__(
        self, robot_id: str, hello: Hello, callbacks: Callbacks, backoff: Backoff, memory: Memory | None = None
    ) -> None:
        self.exchange = SendQueue(self._say_hello, self._say_how_it_is, memory)
        self._memory = memory
        self._left = True
        self.status: RobotStatus | None = None
        """What heartbeats say; `None`: busy without a free slot, else idle."""
        self.refusal: str | None = None
        """The sentence of the last AUTH_FAILED."""
        self._robot_id = robot_id
        self._hello = hello
        self._callbacks = callbacks
        self._backoff = backoff
        self._jobs = HeldJobs()
        self._claims: dict[tuple[str, int], _Claim] = {}
        self._said: RobotStatus | None = None
        self._inboxes: weakref.WeakSet[MessageInbox] = weakref.WeakSet()
        callbacks.job_failed = self._job_failed

    def inbox(self) -> MessageInbox:
        """An iterator over what arrives from now on."""
        inbox = MessageInbox()
        self._inboxes.add(inbox)
        return inbox

    def close(self) -> None:
        """No connection will come any more: nobody waits on."""
        for claim in self._claims.values():
            if not claim.decided.done():
                claim.decided.set_exception(ConnectionLost("closed before the claim was answered"))
        for inbox in self._inboxes:
            inbox.close()
        self.exchange.disconnected()
        self.exchange.notify()

    # What the robot says

    def _say_hello(self) -> Hello:
        dropped = self._memory.take_dropped() if self._memory is not None else 0
        if dropped:
            sentence = f"{dropped} log lines were dropped: more came than are kept while there is no connection"
            self.exchange.log(messages.log_entry(self._robot_id, sentence, "WARNING", None, None, None))
        return msgspec.structs.replace(self._hello, active_jobs=self._jobs.active_jobs())

    def _say_how_it_is(self) -> Heartbeat:
        self._said = self._status()
        cpu_percent, memory_mb = system_stats.sample()
        return Heartbeat(
            robot_id=self._robot_id,
            status=self._said,
            cpu_percent=cpu_percent,
            memory_mb=memory_mb,
            timestamp=datetime.now(UTC),
            active_jobs=self._jobs.active_jobs(),
        )

    def _status(self) -> RobotStatus:
        if self.status is not None:
            return self.status
        slots = self._hello.max_concurrent_jobs or 1
        return RobotStatus.BUSY if self._jobs.in_use >= slots else RobotStatus.IDLE

    def _slot_freed(self) -> None:
        """A robot that said `busy` gets nothing until it says otherwise: it says so at once."""
        if self._said is RobotStatus.BUSY and self._status() is RobotStatus.IDLE:
            self.exchange.beat()

    # Jobs

    async def claim(self, job_id: str, attempt: int) -> bool:
        """Whether the job is this robot's; waits for the answer over reconnects.

        Raises:
            ConnectionLost: closed for good meanwhile.
        """
        key = (job_id, attempt)
        if key not in self._claims:
            if self._jobs.holds(job_id, attempt):
                return True
            if self._jobs.is_over(job_id, attempt):
                return False
            self._jobs.start(job_id, attempt)
            report = messages.job_report(job_id, ReportStatus.CLAIMED, attempt)
            decided: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            self._claims[key] = _Claim(self.exchange.claim(report), attempt, decided)
        claim = self._claims[key]
        try:
            return await asyncio.shield(claim.decided)
        except asyncio.CancelledError:
            if self._claims.pop(key, None) is not None:  # the caller gave up; the answer may still come, and is lost
                self.exchange.drop(claim.kept)
                self._jobs.release(job_id, attempt)
                self._slot_freed()
                claim.decided.set_result(False)
            raise

    def _decide(self, claim: _Claim, *, accepted: bool) -> None:
        key = (claim.kept.job_id, claim.attempt)
        self._claims.pop(key, None)
        self.exchange.drop(claim.kept)
        if not accepted:
            self._jobs.refuse(*key)
            self._slot_freed()
        if not claim.decided.done():
            claim.decided.set_result(accepted)

    def report(
        self,
        job_id: str,
        status: ReportStatus,
        attempt: int | None,
        *,
        progress: float | None,
        message: str | None,
        result: object,
        error: JobError | None,
    ) -> None:
        """Take a report. After the end of an attempt nothing more is said of it.

        Raises:
            ProtocolError: an end that the orchestrator would refuse.
        """
        if attempt is None:
            attempt = self._jobs.attempt_of(job_id)
        if self._jobs.is_over(job_id, attempt):
            logger.debug("job %s: %s after its end is left out", job_id, status)
            return
        report = messages.job_report(
            job_id, status, attempt, progress=progress, message=message, result=result, error=error
        )
        if status in ENDS:
            self._end(report)
        else:
            self._jobs.start(job_id, attempt)
            self.exchange.progress(report)

    def remember(self) -> None:
        """Take up the ends that an earlier process of this robot left: they are held until they are answered."""
        left, self._left = self._left, False
        for report in self._memory.unanswered_ends() if self._memory is not None and left else ():
            logger.info("job %s: its end was not answered before this process began; it is sent again", report.job_id)
            self.exchange.end(report)
            self._jobs.end(report.job_id, report.attempt)

    def _end(self, report: JobReport) -> None:
        if self._memory is not None:
            self._memory.end(report)
        self.exchange.end(report)
        self._jobs.end(report.job_id, report.attempt)
        self._slot_freed()

    def _job_failed(self, assign: JobAssign, error: Exception) -> None:
        """The robot's code for a job raised: that is the job's end, unless it has one or the job is not ours."""
        if not self._jobs.is_over(assign.job_id, assign.attempt):
            message = str(error) or type(error).__name__
            self._fail(assign.job_id, assign.attempt, message, messages.failure(error))

    def _fail(self, job_id: str, attempt: int | None, message: str, error: JobError) -> None:
        self._end(messages.job_report(job_id, ReportStatus.FAILED, attempt, message=message, error=error))

    # What the orchestrator says

    def receive(self, received: codec.Received[protocol.ToRobot], pause: Pause) -> None:
        """Take one message. `pause` holds back sending, in seconds."""
        message = received.message
        match message:
            case protocol.Ack(id=message_id):
                self._answered(message_id)
            case protocol.Error():
                self._error(message, received.id, pause)
            case JobAssign():
                if not self._assigned(message):
                    return
            case JobCancel():
                self._cancelled(message)
            case protocol.Ping():
                self.exchange.pong()
            case RobotCommand():
                self._callbacks.command(message)
        self.show(message)

    def show(self, message: protocol.ToRobot) -> None:
        """Put a message before those who iterate."""
        for inbox in self._inboxes:
            inbox.put(message)

    def _assigned(self, assign: JobAssign) -> bool:
        """Whether it is a new assignment, handed on; a repeated one asks for the claim that got lost."""
        if self._jobs.first_time(assign):
            self._callbacks.job(assign)
            return True
        claim = self._claims.get((assign.job_id, assign.attempt or 0))
        if claim is not None:
            self.exchange.again(claim.kept)
        return False

    def _cancelled(self, cancel: JobCancel) -> None:
        if cancel.grace_seconds is not None or cancel.force:
            self.exchange.cancel_heard(cancel)
        for claim in list(self._claims.values()):
            if claim.kept.job_id == cancel.job_id and cancel.attempt in (None, claim.attempt):
                self._decide(claim, accepted=False)
                if cancel.grace_seconds is not None or cancel.force:
                    # The claim was taken and its answer got lost: whoever cancels waits for a confirmation.
                    error = JobError(type="cancelled", message=cancel.reason)
                    self._fail(cancel.job_id, claim.attempt, cancel.reason, error)
        taken_back = cancel.attempt is not None and cancel.grace_seconds is None and not cancel.force
        if taken_back and not self._jobs.holds(cancel.job_id, cancel.attempt):
            self._jobs.refuse(cancel.job_id, cancel.attempt)  # before it was claimed: nobody shall claim it now
        self._callbacks.cancel(cancel)

    def _answered(self, message_id: object) -> None:
        """It is durable, or needs no resending."""
        kept = self.exchange.unanswered(message_id)
        if kept is None:
            self.exchange.progress_answered(message_id)
        else:
            self._settle(kept, accepted=True)

    def _settle(self, kept: SentMessage, *, accepted: bool) -> None:
        """A kept message has its answer."""
        claim = self._claims.get((kept.job_id, kept.attempt or 0)) if kept.kind is Kind.CLAIM else None
        if claim is not None:
            self._decide(claim, accepted=accepted)
        self.exchange.drop(kept)
        if kept.kind is Kind.END:
            self._jobs.release(kept.job_id, kept.attempt)
            if self._memory is not None:
                self._memory.end_answered(kept.job_id, kept.attempt)

    def _error(self, error: protocol.Error, message_id: object, pause: Pause) -> None:
        if error.code is ErrorCode.AUTH_FAILED:
            self.refusal = error.message
        wait_ms = error.retry_after_ms or DEFAULT_PAUSE_MS
        if error.code is ErrorCode.RATE_LIMITED:
            pause(wait_ms / 1000)
        if message_id is None:
            logger.warning("the orchestrator says %s: %s", error.code, error.message)
            return
        kept = self.exchange.unanswered(message_id)
        if error.code in _NOT_NOW:
            self._try_again(kept, message_id)
        elif kept is None:
            self.exchange.progress_answered(message_id)
        else:
            logger.warning("the orchestrator refused a report on %s: %s", kept.job_id or "its log", error.message)
            self._settle(kept, accepted=False)

    def _try_again(self, kept: SentMessage | None, message_id: object) -> None:
        """The orchestrator could not take it now: later, and later each time."""
        now = asyncio.get_running_loop().time()
        if kept is not None:
            self.exchange.again(kept, now + self._backoff.delay(kept.tries, 1.0))
        elif (job_id := self.exchange.progress_answered(message_id)) is not None:
            self.exchange.progress_again(job_id, now + self._backoff.delay(0, 1.0))
