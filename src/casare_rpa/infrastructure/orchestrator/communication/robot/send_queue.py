"""What a robot has to say, in order of urgency, whatever happens to the connection."""

import asyncio
import logging
import sys
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import cast

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.protocol import JobReport, LogBatch, RobotLog
from casare_rpa.infrastructure.orchestrator.communication.robot import messages
from casare_rpa.infrastructure.orchestrator.communication.robot.log_buffer import LogBuffer
from casare_rpa.infrastructure.orchestrator.communication.robot.progress import ProgressReports
from casare_rpa.infrastructure.orchestrator.communication.robot.retransmit import Kind, SentMessage, Unanswered
from casare_rpa.infrastructure.orchestrator.communication.robot.spool import Memory

logger = logging.getLogger(__name__)

DEFAULT_MESSAGE_BYTES = 256 * 1024
MIN_MESSAGE_BYTES = 4 * 1024
SYNC_SECONDS = 0.25
LOG_WINDOW = 16
"""Log messages without an answer at a time: a slow orchestrator slows the logging, not its own reading."""
END_BEHIND_LOGS_SECONDS = 1.0
"""How long an end waits until the lines before it are stored, so that who sees the end sees the whole log."""


class SendQueue:
    """Hands a link its next frame: hello, ends, heartbeat, pong, claims, progress, logs.

    Ends and claims are kept until answered; so are logs, of which at most `LOG_WINDOW` messages are under way.
    An end waits a moment for the log lines before it; on a new connection it goes ahead of them.
    """

    def __init__(
        self,
        hello: Callable[[], protocol.Hello],
        heartbeat: Callable[[], protocol.Heartbeat],
        memory: Memory | None = None,
    ) -> None:
        self.wake = asyncio.Event()
        self.max_message_bytes = DEFAULT_MESSAGE_BYTES
        self._tolerated_bytes = sys.maxsize
        self._hello = hello
        self._heartbeat = heartbeat
        self._hello_due = False
        self._pong_due = False
        self._receipts: deque[bytes] = deque()
        self._beats: list[asyncio.Future[None]] = []
        self._beat_due = False
        ids = count(1)
        self._unanswered = Unanswered(ids)
        self._progress = ProgressReports(ids)
        self._memory = memory
        self._sync: asyncio.TimerHandle | None = None
        self._logs = LogBuffer(memory)
        self._changed: asyncio.Future[None] | None = None

    # The connection

    def connected(self, max_message_bytes: int) -> None:
        """A connection was made: hello first, then whatever has no answer yet, made to fit what is taken now."""
        self.max_message_bytes = min(max_message_bytes, self._tolerated_bytes)
        self._logs.connected = True
        self._fit()
        self._hello_due = self._beat_due = True
        self._pong_due = False
        self._receipts.clear()
        self._unanswered.reconnected()
        self._progress.reconnected()
        self.wake.set()

    def disconnected(self) -> None:
        """The connection is over: nobody waits for a heartbeat that the next one starts with anyway."""
        self._logs.connected = False
        self._beat_written()
        self.notify()

    def too_big(self) -> None:
        """A message of ours was larger than was taken, whatever was announced (a proxy between us may take less).

        Half of the largest that had no answer is the most from now on, lest the same message end every connection.
        """
        largest = max((len(kept.frame) for kept in self._unanswered.everything()), default=self.max_message_bytes)
        self._tolerated_bytes = max(MIN_MESSAGE_BYTES, largest // 2)
        logger.error("a message of %d bytes was too large; from now on they have %d", largest, self._tolerated_bytes)

    def _fit(self) -> None:
        """Rewrite what is kept and larger than is taken now: lines in other messages, ends without their result."""
        large = [kept for kept in self._unanswered.everything() if len(kept.frame) > self.max_message_bytes]
        if any(kept.kind is Kind.LOG for kept in large):
            self._put_back_logs()
        for kept in large:
            if kept.kind is Kind.END:
                report = codec.FROM_ROBOT.decode(kept.frame.decode()).message
                assert isinstance(report, JobReport)
                logger.error(
                    "job %s: its end has %d bytes, %d are taken; it is sent without its result",
                    kept.job_id,
                    len(kept.frame),
                    self.max_message_bytes,
                )
                kept.frame = codec.encode(messages.without_result(report), kept.message_id)

    def _put_back_logs(self) -> None:
        entries: list[RobotLog] = []
        for kept in sorted(self._unanswered.all(Kind.LOG), key=lambda kept: kept.message_id):
            message = codec.FROM_ROBOT.decode(kept.frame.decode()).message
            entries += message.entries if isinstance(message, LogBatch) else [cast("RobotLog", message)]
            self._unanswered.drop(kept)
        self._logs.put_back(entries)

    # What there is to say

    def beat(self) -> None:
        """A heartbeat is due."""
        self._beat_due = True
        self.wake.set()

    async def beat_and_wait(self) -> None:
        """A heartbeat is due; returns when it is on its way, or when the connection is over."""
        written = asyncio.get_running_loop().create_future()
        self._beats.append(written)
        self.beat()
        await written

    def pong(self) -> None:
        """A ping came."""
        self._pong_due = True
        self.wake.set()

    def cancel_heard(self, cancel: protocol.JobCancel) -> None:
        """A cancel came. Said once: if it gets lost, the cancel comes again with the next connection."""
        self._receipts.append(codec.encode(protocol.CancelReceived(job_id=cancel.job_id, attempt=cancel.attempt)))
        self.wake.set()

    def claim(self, report: JobReport) -> SentMessage:
        """Keep a `claimed` until it is answered."""
        return self._keep(Kind.CLAIM, report)

    def end(self, report: JobReport) -> SentMessage:
        """Keep an end until it is answered.

        Raises:
            ProtocolError: the orchestrator would refuse it; the sentence names the field.
        """
        frame = codec.encode(report, 0)
        if len(frame) + 16 > self.max_message_bytes:
            raise ProtocolError(
                f"the report has {len(frame)} bytes, at most {self.max_message_bytes} are taken; "
                "store the result elsewhere and name it here",
                field="result",
            )
        codec.FROM_ROBOT.decode(frame.decode())
        self._progress.forget(report.job_id)
        kept = self._keep(Kind.END, report)
        kept.lines_before = self._logs.put_lines
        if self._stored_lines < kept.lines_before:
            kept.not_before = asyncio.get_running_loop().time() + END_BEHIND_LOGS_SECONDS
        return kept

    def progress(self, report: JobReport) -> None:
        """Tell how a job stands: the newest word on each job is sent, on every new connection too."""
        self._progress.tell(report)
        self.wake.set()

    def forget_progress(self, job_id: str) -> None:
        """Nothing more is to be said of a job."""
        self._progress.forget(job_id)

    def log(self, entry: RobotLog) -> None:
        """Take a log line; ask `logs_full` before."""
        self._logs.put(entry, self._batch_bytes)
        if self._memory is not None and self._sync is None:
            self._sync = asyncio.get_running_loop().call_later(SYNC_SECONDS, self._sync_now, self._memory)
        self.wake.set()

    def _sync_now(self, memory: Memory) -> None:
        self._sync = None
        memory.sync()

    def close(self) -> None:
        """What was logged is on disk now; the memory may be closed after this."""
        if self._memory is not None and self._sync is not None:
            self._sync.cancel()
            self._sync_now(self._memory)

    @property
    def logs_full(self) -> bool:
        """Whether a log line has to wait until others were answered."""
        return self._logs.full

    @property
    def settled(self) -> bool:
        """Whether every end and every log line was answered."""
        return not (self._unanswered.count(Kind.END) or self._unanswered.count(Kind.LOG) or self._logs)

    async def change(self) -> None:
        """Wait until an answer came, room was made or everything is over."""
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._changed)

    def notify(self) -> None:
        """Wake all who wait for a `change`."""
        changed, self._changed = self._changed, None
        if changed is not None and not changed.done():
            changed.set_result(None)

    def _keep(self, kind: Kind, report: JobReport) -> SentMessage:
        kept = self._unanswered.keep(kind, report, report.job_id, report.attempt)
        self.wake.set()
        return kept

    # What comes back

    def unanswered(self, message_id: object) -> SentMessage | None:
        """The kept message that an `ack` or `error` answers."""
        return self._unanswered.get(message_id)

    def drop(self, kept: SentMessage) -> None:
        """The message has its answer, or needs none any more."""
        self._unanswered.drop(kept)
        if kept.kind is Kind.LOG:
            self._forget_lines(kept)
            self._release_ends()
        self.notify()
        self.wake.set()  # the window of logs has moved

    def _forget_lines(self, answered: SentMessage) -> None:
        """Lines leave the memory in order; a later message that is answered first waits for the one before it."""
        if self._memory is None or not answered.last_seq:
            return
        if all(kept.last_seq > answered.last_seq for kept in self._unanswered.all(Kind.LOG)):
            self._memory.lines_answered(answered.last_seq)

    def again(self, kept: SentMessage, not_before: float = 0.0) -> None:
        """Send a kept message once more, not before the given moment."""
        self._unanswered.again(kept, not_before)
        self.wake.set()

    def progress_answered(self, message_id: object) -> str | None:
        """The job about whose progress an answer came, if it is one of those."""
        job_id = self._progress.answered(message_id)
        if job_id is not None:
            self.wake.set()
        return job_id

    def progress_again(self, job_id: str, not_before: float) -> None:
        """The orchestrator could not take the progress now: say it again then."""
        self._progress.again(job_id, not_before)
        self.wake.set()

    @property
    def _stored_lines(self) -> int:
        """How many lines, from the first on, were answered."""
        under_way = (kept.lines_before for kept in self._unanswered.all(Kind.LOG))
        return min(under_way, default=self._logs.taken_lines)

    def _release_ends(self) -> None:
        stored = self._stored_lines
        for kept in self._unanswered.all(Kind.END):
            if not kept.tries and kept.lines_before <= stored:
                kept.not_before = 0.0

    # For the link

    def due_in(self, now: float) -> float | None:
        """Seconds until there is a frame to send; 0.0 is now, `None` is not before `wake`."""
        if self._hello_due or self._receipts or self._beat_due or self._pong_due or self._batch_due:
            return 0.0
        moments = [self._unanswered.due_at(kind) for kind in Kind] + [self._progress.due_at()]
        earliest = min((moment for moment in moments if moment is not None), default=None)
        return None if earliest is None else max(0.0, earliest - now)

    def next_frame(self, now: float) -> bytes | None:
        """The most urgent frame that may go now."""
        if self._hello_due:
            self._hello_due = False
            return codec.encode(self._hello())
        if self._receipts:
            return self._receipts.popleft()
        if kept := self._unanswered.take(Kind.END, now):
            return kept.frame
        if self._beat_due:
            self._beat_due = False
            self._beat_written()
            return codec.encode(self._heartbeat())
        if self._pong_due:
            self._pong_due = False
            return codec.encode(protocol.Pong())
        if kept := self._unanswered.take(Kind.CLAIM, now):
            return kept.frame
        return self._progress.take(now, self.max_message_bytes) or self._next_log(now)

    def _next_log(self, now: float) -> bytes | None:
        if self._batch_due:
            before = self._logs.taken_lines
            message = self._logs.take(self._batch_bytes)
            if message is not None:
                kept = self._unanswered.keep(Kind.LOG, message)
                kept.lines_before = before
                last = message.entries[-1] if isinstance(message, LogBatch) else cast("RobotLog", message)
                kept.last_seq = last.seq or 0
                self.notify()
        taken = self._unanswered.take(Kind.LOG, now)
        return taken.frame if taken is not None else None

    @property
    def _batch_due(self) -> bool:
        """New lines go when the older ones have gone, and not too many are without an answer."""
        if not self._logs or self._unanswered.count(Kind.LOG) >= LOG_WINDOW:
            return False
        return self._unanswered.due_at(Kind.LOG) is None

    @property
    def _batch_bytes(self) -> int:
        return self.max_message_bytes // 2

    def _beat_written(self) -> None:
        beats, self._beats = self._beats, []
        for written in beats:
            if not written.done():
                written.set_result(None)
