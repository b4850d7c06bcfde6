"""The robot's side of the protocol: how it answers messages, and which jobs it holds. No I/O of its own.

Source: docs/reference/websocket-contract.md.
"""

import asyncio
import logging
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import msgspec

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.errors import ConnectionLost, ProtocolError
from casare_rpa.domain.liveness import Backoff
from casare_rpa.domain.protocol import Heartbeat, Hello, JobAssign, JobCancel, JobError, JobReport, RobotCommand
from casare_rpa.domain.vocabulary import ErrorCode, ReportStatus, RobotStatus
from casare_rpa.infrastructure.orchestrator.communication.robot import messages, system_stats
from casare_rpa.infrastructure.orchestrator.communication.robot.callbacks import Callbacks
from casare_rpa.infrastructure.orchestrator.communication.robot.inbox import MessageInbox
from casare_rpa.infrastructure.orchestrator.communication.robot.job_ledger import JobLedger
from casare_rpa.infrastructure.orchestrator.communication.robot.retransmit import MessageKind, PendingMessage
from casare_rpa.infrastructure.orchestrator.communication.robot.send_queue import (
    DEFAULT_LIMITS,
    SendLimits,
    SendQueue,
)
from casare_rpa.infrastructure.orchestrator.communication.robot.spool import Spool

logger = logging.getLogger(__name__)

FINAL_STATUSES = (ReportStatus.COMPLETED, ReportStatus.FAILED)
_RETRYABLE_CODES = (ErrorCode.INTERNAL_ERROR, ErrorCode.RATE_LIMITED)
DEFAULT_PAUSE_MS = 1_000

Pause = Callable[[float], None]


@dataclass(slots=True, eq=False)
class _Claim:
    message: PendingMessage
    attempt: int
    accepted: asyncio.Future[bool]


class ClientProtocol:
    """Protocol state of one client, kept over all of its connections."""

    def __init__(
        self,
        robot_id: str,
        hello: Hello,
        callbacks: Callbacks,
        backoff: Backoff,
        spool: Spool | None = None,
        limits: SendLimits = DEFAULT_LIMITS,
    ) -> None:
        self.send_queue = SendQueue(self._make_hello, self._make_heartbeat, spool, limits)
        self._spool = spool
        self._ends_restored = False
        self.status_override: RobotStatus | None = None
        """Status in heartbeats; `None`: busy without a free slot, else idle."""
        self.auth_error: str | None = None
        """The sentence of the last AUTH_FAILED on this connection."""
        self._robot_id = robot_id
        self.hello = hello
        self._callbacks = callbacks
        self._backoff = backoff
        self._jobs = JobLedger()
        self._claims: dict[tuple[str, int], _Claim] = {}
        self._reported_status: RobotStatus | None = None
        self._inboxes: weakref.WeakSet[MessageInbox] = weakref.WeakSet()
        callbacks.job_failed = self._on_job_failed

    def open_inbox(self) -> MessageInbox:
        """An iterator over the messages received from now on."""
        inbox = MessageInbox()
        self._inboxes.add(inbox)
        return inbox

    def close(self) -> None:
        """Release every waiting caller: no connection will follow. Idempotent."""
        for claim in self._claims.values():
            if not claim.accepted.done():
                claim.accepted.set_exception(ConnectionLost("closed before the claim was answered"))
        for inbox in self._inboxes:
            inbox.close()
        self.send_queue.on_disconnected()
        self.send_queue.notify_change()

    # Hello and heartbeat

    def set_hello(self, hello: Hello) -> None:
        """Send another description of the robot, over this connection and later ones."""
        self.hello = hello
        self.send_queue.request_hello()

    def _make_hello(self) -> Hello:
        dropped = self._spool.take_dropped_count() if self._spool is not None else 0
        if dropped:
            sentence = f"{dropped} log lines were dropped: the journal was full while there was no connection"
            self.send_queue.add_line(messages.log_entry(self._robot_id, sentence, "WARNING", None, None, None))
        return msgspec.structs.replace(self.hello, active_jobs=self._jobs.active_jobs())

    def _make_heartbeat(self) -> Heartbeat:
        self._reported_status = self._status()
        cpu_percent, memory_mb = system_stats.sample()
        return Heartbeat(
            robot_id=self._robot_id,
            status=self._reported_status,
            cpu_percent=cpu_percent,
            memory_mb=memory_mb,
            timestamp=datetime.now(UTC),
            active_jobs=self._jobs.active_jobs(),
        )

    def _status(self) -> RobotStatus:
        if self.status_override is not None:
            return self.status_override
        slots = self.hello.max_concurrent_jobs or 1
        return RobotStatus.BUSY if self._jobs.slots_in_use >= slots else RobotStatus.IDLE

    def _on_slot_freed(self) -> None:
        # The orchestrator assigns nothing to a robot that reported `busy` until it reports otherwise. Without a
        # heartbeat here, the free slot would stay unused for up to a heartbeat interval.
        if self._reported_status is RobotStatus.BUSY and self._status() is RobotStatus.IDLE:
            self.send_queue.request_heartbeat()

    # Claims and reports

    async def claim(self, job_id: str, attempt: int) -> bool:
        """Whether the robot may run this attempt. Waits for the answer over reconnects.

        Concurrent calls for one attempt share one claim. If one of them is cancelled, the claim is abandoned.

        Raises:
            ConnectionLost: the client was closed meanwhile.
        """
        key = (job_id, attempt)
        if key not in self._claims:
            if self._jobs.holds(job_id, attempt):
                return True
            if self._jobs.is_finished(job_id, attempt):
                return False
            # Held before the claim is sent: a heartbeat in between must list the job, or the orchestrator would
            # conclude that the robot has lost it.
            self._jobs.hold(job_id, attempt)
            report = messages.job_report(job_id, ReportStatus.CLAIMED, attempt)
            accepted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            self._claims[key] = _Claim(self.send_queue.add_claim(report), attempt, accepted)
        claim = self._claims[key]
        try:
            return await asyncio.shield(claim.accepted)
        except asyncio.CancelledError:
            if self._claims.pop(key, None) is not None:  # the call was cancelled; a late answer is ignored
                self.send_queue.remove(claim.message)
                self._jobs.release(job_id, attempt)
                self._on_slot_freed()
                claim.accepted.set_result(False)
            raise

    def reject(self, job_id: str, attempt: int | None, reason: str) -> None:
        """Refuse an assignment that was not claimed. A later `claim` of it returns False."""
        self._jobs.mark_refused(job_id, attempt)
        self.send_queue.add_rejection(job_id, attempt, reason)

    def _resolve_claim(self, claim: _Claim, *, accepted: bool) -> None:
        key = (claim.message.job_id, claim.attempt)
        self._claims.pop(key, None)
        self.send_queue.remove(claim.message)
        if not accepted:
            self._jobs.mark_refused(*key)
            self._on_slot_freed()
        if not claim.accepted.done():
            claim.accepted.set_result(accepted)

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
        """Queue a report. Reports after the end of an attempt are ignored.

        Raises:
            ProtocolError: an end that the orchestrator would refuse.
        """
        if attempt is None:
            attempt = self._jobs.attempt_of(job_id)
        if self._jobs.is_finished(job_id, attempt):
            logger.debug("job %s: ignored a %s after its end", job_id, status)
            return
        report = messages.job_report(
            job_id, status, attempt, progress=progress, message=message, result=result, error=error
        )
        if status in FINAL_STATUSES:
            self._end_job(report)
        else:
            self._jobs.hold(job_id, attempt)
            self.send_queue.add_progress(report)

    def restore_ends(self) -> None:
        """Queue the ends that an earlier process left in the spool. Later calls do nothing."""
        restored, self._ends_restored = self._ends_restored, True
        if restored or self._spool is None:
            return
        for report in self._spool.pending_ends():
            try:
                self.send_queue.add_end(report, asyncio.get_running_loop().time())
            except ProtocolError as error:  # an invalid end must not prevent the start of the robot
                logger.error("job %s: the end of an earlier process cannot be sent: %s", report.job_id, error)
                self._spool.remove_end(report.job_id, report.attempt)
                continue
            logger.info("job %s: sending the unanswered end of an earlier process again", report.job_id)
            self._jobs.mark_ended(report.job_id, report.attempt)

    def _end_job(self, report: JobReport) -> None:
        # Queued first: an end that the orchestrator would refuse must not be spooled, and a spool that fails must not
        # keep the slot. It is held until it is spooled, because it must be spooled before it is sent.
        pending = self.send_queue.add_end(report, asyncio.get_running_loop().time())
        self._jobs.mark_ended(report.job_id, report.attempt)
        self._on_slot_freed()
        if self._spool is not None:
            pending.held = True
            self._spool.add_end(report, partial(self.send_queue.release, pending))

    def _on_job_failed(self, assign: JobAssign, error: Exception) -> None:
        """Report a job as failed whose callback raised, unless it has ended or was refused."""
        if not self._jobs.is_finished(assign.job_id, assign.attempt):
            message = str(error) or type(error).__name__
            self._fail_job(assign.job_id, assign.attempt, message, messages.failure(error))

    def _fail_job(self, job_id: str, attempt: int | None, message: str, error: JobError) -> None:
        self._end_job(messages.job_report(job_id, ReportStatus.FAILED, attempt, message=message, error=error))

    # Received messages

    def receive(self, received: codec.Received[protocol.ToRobot], pause: Pause) -> None:
        """Process one message. `pause` stops sending for a number of seconds."""
        message = received.message
        match message:
            case protocol.Ack(id=message_id):
                self._on_ack(message_id)
            case protocol.Error():
                self._on_error(message, received.id, pause)
            case JobAssign():
                if not self._on_assign(message):
                    return
            case JobCancel():
                self._on_cancel(message)
            case protocol.Ping():
                self.send_queue.request_pong()
            case RobotCommand():
                self._callbacks.start_command(message)
        self.deliver_to_inboxes(message)

    def report_replaced(self) -> None:
        """Start the callback for a connection that a newer one of the same robot replaced."""
        self._callbacks.start_replaced()

    def deliver_to_inboxes(self, message: protocol.ToRobot) -> None:
        """Put a message into every open inbox."""
        for inbox in self._inboxes:
            inbox.put_message(message)

    def _on_assign(self, assign: JobAssign) -> bool:
        """Start a new assignment; False for a repeat, which means that the answer to it was lost."""
        if self._jobs.record_assignment(assign):
            self._callbacks.start_job(assign)
            return True
        claim = self._claims.get((assign.job_id, assign.attempt or 0))
        if claim is not None:
            self.send_queue.resend(claim.message)
        return False

    def _on_cancel(self, cancel: JobCancel) -> None:
        # With a grace period or force, the orchestrator cancels a job that it counts as ours and waits for the end.
        # Without both it withdraws an offer, and waits for nothing.
        expects_end = cancel.grace_seconds is not None or cancel.force
        if expects_end:
            self.send_queue.add_cancel_receipt(cancel)
        for claim in list(self._claims.values()):
            if claim.message.job_id == cancel.job_id and cancel.attempt in (None, claim.attempt):
                self._resolve_claim(claim, accepted=False)
                if expects_end:
                    # The claim was accepted and its answer was lost, so the job counts as ours: confirm the cancel.
                    error = JobError(type="cancelled", message=cancel.reason)
                    self._fail_job(cancel.job_id, claim.attempt, cancel.reason, error)
        withdrawn = cancel.attempt is not None and not expects_end
        if withdrawn and not self._jobs.holds(cancel.job_id, cancel.attempt):
            self._jobs.mark_refused(cancel.job_id, cancel.attempt)  # a later `claim` returns False without a message
        self._callbacks.start_cancel(cancel)

    def _on_ack(self, message_id: object) -> None:
        answered = self.send_queue.answered_by(message_id)
        for pending in answered:
            self._settle(pending, accepted=True)
        if not answered:
            self.send_queue.acknowledge_progress(message_id)

    def _settle(self, pending: PendingMessage, *, accepted: bool) -> None:
        """Remove a message after its final answer."""
        claim = self._claims.get((pending.job_id, pending.attempt or 0)) if pending.kind is MessageKind.CLAIM else None
        if claim is not None:
            self._resolve_claim(claim, accepted=accepted)
        self.send_queue.remove(pending)
        if pending.kind is MessageKind.END:
            self._jobs.release(pending.job_id, pending.attempt)
            if self._spool is not None:
                self._spool.remove_end(pending.job_id, pending.attempt)

    def _on_error(self, error: protocol.Error, message_id: object, pause: Pause) -> None:
        if error.code is ErrorCode.AUTH_FAILED:
            self.auth_error = error.message
        wait_ms = error.retry_after_ms or DEFAULT_PAUSE_MS
        if error.code is ErrorCode.RATE_LIMITED:
            pause(wait_ms / 1000)
        if message_id is None:
            logger.warning("the orchestrator sent %s: %s", error.code, error.message)
            return
        answered = self.send_queue.answered_by(message_id)
        if error.code in _RETRYABLE_CODES:
            self._resend_later(answered, message_id)
        elif not answered:
            self.send_queue.acknowledge_progress(message_id)
        elif any(pending.message_id != message_id for pending in answered):
            # The message had several reports, and the answer is about one of them. A repeat of others has no effect.
            for pending in answered:
                pending.alone = True
                self.send_queue.resend(pending)
        else:
            # A refusal is as final as an acceptance: sending the same message again cannot succeed.
            (pending,) = answered
            logger.warning("the orchestrator refused a report on %s: %s", pending.job_id or "its log", error.message)
            self._settle(pending, accepted=False)

    def _resend_later(self, answered: Sequence[PendingMessage], message_id: object) -> None:
        """Send messages again after a temporary error, with a growing delay."""
        now = asyncio.get_running_loop().time()
        for pending in answered:
            self.send_queue.resend(pending, now + self._backoff.delay(pending.tries, 1.0))
        if not answered and (job_id := self.send_queue.acknowledge_progress(message_id)) is not None:
            self.send_queue.resend_progress(job_id, now + self._backoff.delay(0, 1.0))
