"""The robot's outgoing messages in order of urgency, independent of any single connection."""

import asyncio
import logging
import sys
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import count
from typing import cast

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.limits import MAX_REPORTS_IN_BATCH, ROBOT_MESSAGE_BYTES, TokenBucket, WorkLimits
from casare_rpa.domain.protocol import JobReport, JobStatusBatch, LogBatch, RobotLog
from casare_rpa.domain.steps import JobStep
from casare_rpa.domain.vocabulary import ServerFeature
from casare_rpa.infrastructure.orchestrator.communication.robot import log_buffer, messages
from casare_rpa.infrastructure.orchestrator.communication.robot.log_buffer import LogBuffer
from casare_rpa.infrastructure.orchestrator.communication.robot.retransmit import (
    MessageKind,
    PendingMessage,
    ProgressBuffer,
    RetransmitBuffer,
)
from casare_rpa.infrastructure.orchestrator.communication.robot.spool import Spool
from casare_rpa.infrastructure.orchestrator.communication.robot.step_buffer import MIN_INTERVAL_SECONDS, StepBuffer

logger = logging.getLogger(__name__)

DEFAULT_MESSAGE_BYTES = ROBOT_MESSAGE_BYTES
MIN_MESSAGE_BYTES = 4 * 1024
SYNC_SECONDS = 0.25
BATCH_SHARE = 4
"""A message of several reports has at most this part of the limit, so that few reports wait for one answer."""


@dataclass(frozen=True, slots=True)
class SendLimits:
    """Bounds of a send queue."""

    log_window: int = 16
    """Log messages in flight. A slow orchestrator thus slows down logging, and is not flooded."""
    end_delay_seconds: float = 1.0
    """How long an end waits for the lines logged before it, so that a reader of the end finds the whole log."""
    buffer_lines: int = log_buffer.CAPACITY_LINES
    buffer_bytes: int = log_buffer.CAPACITY_BYTES


DEFAULT_LIMITS = SendLimits()
NO_WORK_LIMITS = WorkLimits(None, None)


class SendQueue:
    """Supplies a connection with its next frame: hello, ends, heartbeat, pong, claims, progress, steps, logs.

    Ends, claims, steps and log messages are retransmitted until they are answered. An end waits a moment for the lines
    logged before it; on a new connection it goes before them.
    """

    def __init__(
        self,
        hello: Callable[[], protocol.Hello],
        heartbeat: Callable[[], protocol.Heartbeat],
        spool: Spool | None = None,
        limits: SendLimits = DEFAULT_LIMITS,
    ) -> None:
        self.wake = asyncio.Event()
        self.max_message_bytes = DEFAULT_MESSAGE_BYTES
        self._accepted_bytes = sys.maxsize
        self._limits = limits
        self._hello = hello
        self._heartbeat = heartbeat
        self._hello_due = False
        self._pong_due = False
        self._notices: deque[bytes] = deque()
        """Frames that are sent once, without an answer."""
        self._heartbeat_waiters: list[asyncio.Future[None]] = []
        self._heartbeat_due = False
        self._ids = count(1)
        self._retransmit = RetransmitBuffer(self._ids)
        self._progress = ProgressBuffer(self._ids)
        self._report_batches = False
        """Whether the server accepts several reports in one message."""
        self._batch_bytes_limit = sys.maxsize
        self._batches: dict[int, list[PendingMessage]] = {}
        """The ends and claims of each message of several that is not answered, by its id. For one connection."""
        self._spool = spool
        self._sync: asyncio.TimerHandle | None = None
        self._logs = LogBuffer(spool, capacity_lines=limits.buffer_lines, capacity_bytes=limits.buffer_bytes)
        self._steps = StepBuffer()
        self._steps_after = 0.0
        """The earliest time of the next message of steps, in monotonic seconds."""
        self._changed: asyncio.Future[None] | None = None
        self._work = NO_WORK_LIMITS
        self._log_bytes: TokenBucket | None = None
        self._log_lines: TokenBucket | None = None
        self._logs_after = 0.0
        """The earliest time of the next log message, in monotonic seconds, which keeps the server's limits."""

    # The connection

    def on_connected(
        self, max_message_bytes: int, work: WorkLimits = NO_WORK_LIMITS, features: Collection[str] = ()
    ) -> None:
        """Start over for a new connection: hello first, then every message without an answer, within its limits.

        `features` are the optional messages that the server accepts.
        """
        if work != self._work:
            self._work, self._log_bytes, self._log_lines = work, None, None
        self.max_message_bytes = min(max_message_bytes, self._accepted_bytes)
        self._logs.connected = True
        self._shrink_to_limit()
        self._hello_due = self._heartbeat_due = True
        self._pong_due = False
        self._notices.clear()
        self._report_batches = ServerFeature.JOB_STATUS_BATCH in features
        self._batches.clear()
        self._steps.enable(ServerFeature.JOB_STEPS in features)
        if ServerFeature.JOB_STEPS not in features:
            self._drop(MessageKind.STEPS)
        self._retransmit.requeue_all()
        self._progress.requeue_all()
        self.wake.set()

    def _drop(self, kind: MessageKind) -> None:
        for pending in list(self._retransmit.pending(kind)):
            self._retransmit.remove(pending)

    def on_disconnected(self) -> None:
        """Release callers that wait for a heartbeat: the next connection starts with one."""
        self._logs.connected = False
        self._wake_heartbeat_waiters()
        self.notify_change()

    def reduce_message_limit(self) -> None:
        """Lower the size limit after a close with 1009, also below the announced limit.

        A proxy in between may accept less than the orchestrator. The new limit is half of the largest pending
        message; otherwise the same message would end every connection.
        """
        largest = max(
            (len(pending.frame) for pending in self._retransmit.all_pending()), default=self.max_message_bytes
        )
        batch = max((sum(len(one.frame) for one in together) for together in self._batches.values()), default=0)
        if batch > largest:
            # Each of its reports may fit by itself, so only messages of several reports get smaller.
            self._batch_bytes_limit = batch // 2
            return
        self._accepted_bytes = max(MIN_MESSAGE_BYTES, largest // 2)
        logger.error("a message of %d bytes was too large; the limit is now %d bytes", largest, self._accepted_bytes)

    def _shrink_to_limit(self) -> None:
        """Rewrite pending messages above the limit: regroup log lines, and send ends without their result."""
        large = [pending for pending in self._retransmit.all_pending() if len(pending.frame) > self.max_message_bytes]
        if any(pending.kind is MessageKind.STEPS for pending in large):
            logger.error("steps of jobs are not sent: they have more than %d bytes", self.max_message_bytes)
            self._drop(MessageKind.STEPS)
        if any(pending.kind is MessageKind.LOG for pending in large):
            self._regroup_logs()
        for pending in large:
            if pending.kind is MessageKind.END:
                report = pending.message
                assert isinstance(report, JobReport)
                logger.error(
                    "job %s: its end has %d bytes, the limit is %d; it is sent without its result",
                    pending.job_id,
                    len(pending.frame),
                    self.max_message_bytes,
                )
                pending.message = messages.without_result(report)
                pending.frame = codec.encode(pending.message, pending.message_id)

    def _regroup_logs(self) -> None:
        # All log messages go back, not only the large ones: the lines keep their order.
        entries: list[RobotLog] = []
        for pending in sorted(self._retransmit.pending(MessageKind.LOG), key=lambda pending: pending.message_id):
            message = pending.message
            entries += message.entries if isinstance(message, LogBatch) else [cast("RobotLog", message)]
            self._retransmit.remove(pending)
        self._logs.put_back_lines(entries)

    # Outgoing messages

    def request_hello(self) -> None:
        """Send a `hello` as soon as possible. Several requests are merged into one."""
        self._hello_due = True
        self.wake.set()

    def request_heartbeat(self) -> None:
        """Send a heartbeat as soon as possible. Several requests are merged into one heartbeat."""
        self._heartbeat_due = True
        self.wake.set()

    async def request_heartbeat_and_wait(self) -> None:
        """Send a heartbeat; returns when it is handed to the connection, or when the connection ended."""
        written = asyncio.get_running_loop().create_future()
        self._heartbeat_waiters.append(written)
        self.request_heartbeat()
        await written

    def request_pong(self) -> None:
        """Answer a ping."""
        self._pong_due = True
        self.wake.set()

    def add_cancel_receipt(self, cancel: protocol.JobCancel) -> None:
        """Confirm that a cancel arrived. Not retransmitted: the orchestrator repeats the cancel after a reconnect."""
        self._add_notice(protocol.CancelReceived(job_id=cancel.job_id, attempt=cancel.attempt))

    def add_rejection(self, job_id: str, attempt: int | None, reason: str) -> None:
        """Refuse an offer. Not retransmitted: an offer without an answer ends by itself."""
        self._add_notice(protocol.JobReject(job_id=job_id, attempt=attempt, reason=reason))

    def _add_notice(self, message: protocol.Message) -> None:
        self._notices.append(codec.encode(message))
        self.wake.set()

    def add_claim(self, report: JobReport) -> PendingMessage:
        """Queue a `claimed`, retransmitted until it is answered."""
        return self._add(MessageKind.CLAIM, report)

    def add_end(self, report: JobReport, now: float) -> PendingMessage:
        """Queue an end, retransmitted until it is answered. `now` is monotonic seconds.

        Raises:
            ProtocolError: the orchestrator would refuse it; the sentence names the field.
        """
        frame = codec.encode(report, 0)
        if len(frame) + 16 > self.max_message_bytes:
            raise ProtocolError(
                f"the report has {len(frame)} bytes, the limit is {self.max_message_bytes}; "
                "store the result elsewhere and return a reference to it",
                field="result",
            )
        codec.FROM_ROBOT.decode(frame.decode())
        self._progress.remove_job(report.job_id)
        pending = self._add(MessageKind.END, report)
        pending.lines_before = self._logs.lines_put
        # An end may be sent once the lines before it are stored. The delay is the limit of that wait;
        # `_release_ends` ends it early.
        if self._stored_lines < pending.lines_before:
            pending.not_before = now + self._limits.end_delay_seconds
        return pending

    def release(self, pending: PendingMessage) -> None:
        """Let a held message be sent."""
        pending.held = False
        self.wake.set()

    def add_progress(self, report: JobReport) -> None:
        """Queue progress. Only the newest report of a job is sent, and it is repeated on a new connection."""
        self._progress.update(report)
        self.wake.set()

    def add_line(self, entry: RobotLog) -> None:
        """Queue a log line. Callers check `logs_full` first."""
        self._logs.put_line(entry, self._batch_bytes)
        if self._spool is not None and self._sync is None:
            self._sync = asyncio.get_running_loop().call_later(SYNC_SECONDS, self._sync_spool, self._spool)
        self.wake.set()

    def add_step(self, job_id: str, attempt: int | None, step: JobStep) -> None:
        """Queue a step of a job, or its new state. Steps are kept in memory only."""
        self._steps.put(job_id, attempt, step)
        self.wake.set()

    def _sync_spool(self, spool: Spool) -> None:
        self._sync = None
        spool.sync()

    def flush_spool(self) -> None:
        """Make every queued line durable now. The spool may be closed afterwards."""
        if self._spool is not None and self._sync is not None:
            self._sync.cancel()
            self._sync_spool(self._spool)

    @property
    def logs_full(self) -> bool:
        """Whether a caller must wait before it adds a line."""
        return self._logs.full

    @property
    def buffered_lines(self) -> int:
        """Number of lines that are not part of a message yet, and 1 more when the spool holds further ones."""
        return len(self._logs)

    @property
    def buffered_bytes(self) -> int:
        """Encoded size of the lines in memory that are not part of a message yet."""
        return self._logs.buffered_bytes

    @property
    def drained(self) -> bool:
        """Whether every end, every log line and every step was answered."""
        kinds = (MessageKind.END, MessageKind.LOG, MessageKind.STEPS)
        return not (self._logs or self._steps or any(self._retransmit.count(kind) for kind in kinds))

    async def wait_for_change(self) -> None:
        """Wait until an answer arrives, a line leaves the buffer, or the connection ends."""
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._changed)

    def notify_change(self) -> None:
        """Wake every caller of `wait_for_change`."""
        changed, self._changed = self._changed, None
        if changed is not None and not changed.done():
            changed.set_result(None)

    def _add(self, kind: MessageKind, report: JobReport) -> PendingMessage:
        pending = self._retransmit.add(kind, report, report.job_id, report.attempt)
        self.wake.set()
        return pending

    # Answers

    def answered_by(self, message_id: object) -> list[PendingMessage]:
        """The ends, claims, steps or log messages that an `ack` or `error` answers, without those already removed."""
        batch = self._batches.pop(message_id, None) if isinstance(message_id, int) else None
        if batch is not None:
            return [one for one in batch if self._retransmit.get(one.message_id) is one]
        pending = self._retransmit.get(message_id)
        return [] if pending is None else [pending]

    def remove(self, pending: PendingMessage) -> None:
        """Remove a message that was answered or is no longer needed. Idempotent."""
        self._retransmit.remove(pending)
        if pending.kind is MessageKind.LOG:
            self._remove_from_spool(pending)
            self._release_ends()
        self.notify_change()
        self.wake.set()  # the log window has room

    def _remove_from_spool(self, answered: PendingMessage) -> None:
        """Remove stored lines in order. A message answered before an older one leaves its lines in the spool.

        The answer to the older message then removes them all: `remove_lines` takes an upper bound.
        """
        if self._spool is None or not answered.last_seq:
            return
        if all(pending.last_seq > answered.last_seq for pending in self._retransmit.pending(MessageKind.LOG)):
            self._spool.remove_lines(answered.last_seq)

    def resend(self, pending: PendingMessage, not_before: float = 0.0) -> None:
        """Send a pending message again, not before a monotonic time."""
        self._retransmit.resend(pending, not_before)
        self.wake.set()

    def acknowledge_progress(self, message_id: object) -> str | None:
        """Record the answer to a progress report. Returns the job id, or `None` for any other message."""
        job_id = self._progress.acknowledge(message_id)
        if job_id is not None:
            self.wake.set()
        return job_id

    def resend_progress(self, job_id: str, not_before: float) -> None:
        """Send the newest progress of a job again, not before a monotonic time."""
        self._progress.resend(job_id, not_before)
        self.wake.set()

    @property
    def _stored_lines(self) -> int:
        """Number of lines, counted from the first, that are answered without a gap."""
        in_flight = (pending.lines_before for pending in self._retransmit.pending(MessageKind.LOG))
        return min(in_flight, default=self._logs.lines_taken)

    def _release_ends(self) -> None:
        """Send ends now whose preceding lines are all stored."""
        stored = self._stored_lines
        for pending in self._retransmit.pending(MessageKind.END):
            # An end that was sent before waits for the backoff that the orchestrator requested, not for lines.
            if not pending.tries and pending.lines_before <= stored:
                pending.not_before = 0.0

    # Used by the connection

    def due_in(self, now: float) -> float | None:
        """Seconds until a frame is due: 0.0 for now, `None` for not before `wake`."""
        if self._hello_due or self._notices or self._heartbeat_due or self._pong_due:
            return 0.0
        moments = [self._retransmit.due_at(kind) for kind in MessageKind] + [self._progress.due_at()]
        if self._batch_due:
            moments.append(self._logs_after)
        if self._steps_due:
            moments.append(self._steps_after)
        earliest = min((moment for moment in moments if moment is not None), default=None)
        return None if earliest is None else max(0.0, earliest - now)

    def next_frame(self, now: float) -> bytes | None:
        """The most urgent due frame, marked as sent."""
        if self._hello_due:
            self._hello_due = False
            return codec.encode(self._hello())
        if self._notices:
            return self._notices.popleft()
        if pending := self._retransmit.take_due(MessageKind.END, now):
            return self._with_others(pending, now)
        if self._heartbeat_due:
            self._heartbeat_due = False
            self._wake_heartbeat_waiters()
            return codec.encode(self._heartbeat())
        if self._pong_due:
            self._pong_due = False
            return codec.encode(protocol.Pong())
        if pending := self._retransmit.take_due(MessageKind.CLAIM, now):
            return self._with_others(pending, now)
        progress = self._progress.take_frame(now, self.max_message_bytes)
        return progress or self._next_steps(now) or self._next_log(now)

    def _with_others(self, first: PendingMessage, now: float) -> bytes:
        """The frame of an end or claim, or of a message of several if others are due too."""
        if not self._report_batches:
            return first.frame
        together = self._retransmit.take_due_with(
            first,
            (MessageKind.END, MessageKind.CLAIM),
            now,
            most=MAX_REPORTS_IN_BATCH,
            most_bytes=min(self.max_message_bytes // BATCH_SHARE, self._batch_bytes_limit),
        )
        if len(together) == 1:
            return first.frame
        message_id = next(self._ids)
        self._batches[message_id] = together
        batch = JobStatusBatch(reports=[cast("JobReport", one.message) for one in together])
        frame = codec.encode(batch, message_id)
        self._pace_logs(now, len(frame), len(together))  # the server counts each report as a line
        return frame

    @property
    def _steps_due(self) -> bool:
        """Whether to form a new message of steps: there are some, and the one before is answered."""
        return bool(self._steps) and not self._retransmit.count(MessageKind.STEPS)

    def _next_steps(self, now: float) -> bytes | None:
        if self._steps_due and now >= self._steps_after and (message := self._steps.take_message()) is not None:
            self._retransmit.add(MessageKind.STEPS, message, message.job_id, message.attempt)
            self._steps_after = now + (0.0 if self._steps else MIN_INTERVAL_SECONDS)
        due = self._retransmit.take_due(MessageKind.STEPS, now)
        return due.frame if due is not None else None

    def _next_log(self, now: float) -> bytes | None:
        if self._batch_due and now >= self._logs_after:
            before = self._logs.lines_taken
            message = self._logs.take_message(self._batch_bytes)
            if message is not None:
                pending = self._retransmit.add(MessageKind.LOG, message)
                self._pace_logs(now, len(pending.frame), self._logs.lines_taken - before)
                pending.lines_before = before
                last = message.entries[-1] if isinstance(message, LogBatch) else cast("RobotLog", message)
                pending.last_seq = last.seq or 0
                self.notify_change()
        due = self._retransmit.take_due(MessageKind.LOG, now)
        return due.frame if due is not None else None

    def _pace_logs(self, now: float, size_bytes: int, lines: int) -> None:
        if self._log_bytes is None or self._log_lines is None:
            self._log_bytes, self._log_lines = TokenBucket(self._work.bytes, now), TokenBucket(self._work.lines, now)
        self._logs_after = now + max(self._log_bytes.take(now, size_bytes), self._log_lines.take(now, lines))

    @property
    def _batch_due(self) -> bool:
        """Whether to form a new log message: the older ones are sent, and the window has room."""
        if not self._logs or self._retransmit.count(MessageKind.LOG) >= self._limits.log_window:
            return False
        return self._retransmit.due_at(MessageKind.LOG) is None

    @property
    def _batch_bytes(self) -> int:
        return self.max_message_bytes // 2

    def _wake_heartbeat_waiters(self) -> None:
        waiters, self._heartbeat_waiters = self._heartbeat_waiters, []
        for written in waiters:
            if not written.done():
                written.set_result(None)
