"""Messages kept until the orchestrator has answered them, over any number of connections.

`RetransmitBuffer` holds messages that must arrive: ends, claims, log lines and steps. Delivery is at least once; the
orchestrator recognises a repeat by its content. `ProgressBuffer` holds the state of running jobs, of which only the
newest value counts. Source: docs/reference/websocket-contract.md.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count

import msgspec

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.protocol import JobReport
from casare_rpa.infrastructure.orchestrator.communication.robot import messages

MIN_PROGRESS_INTERVAL_SECONDS = 0.2
"""The minimum time between two reports on one job. The orchestrator shows progress at most twice a second."""


class MessageKind(IntEnum):
    """Kinds of messages that are retransmitted, most urgent first."""

    END = 0
    CLAIM = 1
    LOG = 2
    STEPS = 3


@dataclass(slots=True, eq=False)
class PendingMessage:
    """A message without an answer. Its frame stays the same on every attempt, unless it must shrink to a new limit."""

    message_id: int
    kind: MessageKind
    frame: bytes
    message: protocol.Message
    """What the frame has."""
    job_id: str = ""
    attempt: int | None = None
    tries: int = 0
    not_before: float = 0.0
    """The earliest time of sending, in monotonic seconds."""
    last_seq: int = 0
    """The number of the last line of a log message in the spool; 0 without a spool."""
    lines_before: int = 0
    """The number of lines sent before a log message, or logged before an end."""
    held: bool = False
    """Whether it may not be sent yet, on any connection."""
    alone: bool = False
    """Whether it is sent in a message of its own: a batch with it was refused, and does not say which report."""


@dataclass(slots=True)
class _Lane:
    waiting: dict[int, PendingMessage] = field(default_factory=dict)
    sent: dict[int, PendingMessage] = field(default_factory=dict)


class RetransmitBuffer:
    """Pending messages by kind, in the order in which they were added.

    A message is sent once per connection. It leaves the buffer when it is answered.
    """

    def __init__(self, ids: Iterator[int] | None = None) -> None:
        self._ids = ids if ids is not None else count(1)
        self._lanes = {kind: _Lane() for kind in MessageKind}
        self._by_id: dict[int, PendingMessage] = {}

    def add(
        self, kind: MessageKind, message: protocol.Message, job_id: str = "", attempt: int | None = None
    ) -> PendingMessage:
        message_id = next(self._ids)
        pending = PendingMessage(message_id, kind, codec.encode(message, message_id), message, job_id, attempt)
        self._by_id[message_id] = self._lanes[kind].waiting[message_id] = pending
        return pending

    def count(self, kind: MessageKind) -> int:
        """Number of pending messages of a kind, sent or not."""
        return len(self._lanes[kind].waiting) + len(self._lanes[kind].sent)

    def pending(self, kind: MessageKind) -> Iterator[PendingMessage]:
        """Pending messages of a kind, sent or not."""
        lane = self._lanes[kind]
        yield from lane.sent.values()
        yield from lane.waiting.values()

    def all_pending(self) -> list[PendingMessage]:
        """Pending messages of every kind, sent or not."""
        return [*self._by_id.values()]

    def due_at(self, kind: MessageKind) -> float | None:
        """Monotonic time at which the next message of a kind is due; `None` when all others are held or sent."""
        waiting = self._lanes[kind].waiting.values()
        return min((pending.not_before for pending in waiting if not pending.held), default=None)

    def take_due(self, kind: MessageKind, now: float) -> PendingMessage | None:
        """Mark the oldest due message of a kind as sent and return it."""
        due = self._due(kind, now)
        return None if due is None else self._sent(due)

    def take_due_with(
        self, first: PendingMessage, kinds: Sequence[MessageKind], now: float, *, most: int, most_bytes: int
    ) -> list[PendingMessage]:
        """One that was taken, and the due messages of these kinds that may share its frame, each marked as sent.

        They are up to `most` messages, of up to `most_bytes` in their own frames. The order of a kind is kept: a
        message that must be sent alone, or has too many bytes, ends it.
        """
        together, room = [first], most_bytes - len(first.frame)
        for kind in () if first.alone else kinds:
            while len(together) < most and (due := self._due(kind, now)) is not None:
                if due.alone or len(due.frame) > room:
                    break
                room -= len(due.frame)
                together.append(self._sent(due))
        return together

    def _due(self, kind: MessageKind, now: float) -> PendingMessage | None:
        waiting = self._lanes[kind].waiting.values()
        return next((one for one in waiting if one.not_before <= now and not one.held), None)

    def _sent(self, due: PendingMessage) -> PendingMessage:
        lane = self._lanes[due.kind]
        lane.sent[due.message_id] = lane.waiting.pop(due.message_id)
        due.tries += 1
        return due

    def get(self, message_id: object) -> PendingMessage | None:
        """The pending message with this id; `None` for an unknown or already answered one."""
        return self._by_id.get(message_id) if isinstance(message_id, int) else None

    def remove(self, pending: PendingMessage) -> None:
        """Remove a message that was answered or is no longer needed. Idempotent."""
        lane = self._lanes[pending.kind]
        lane.waiting.pop(pending.message_id, None)
        lane.sent.pop(pending.message_id, None)
        self._by_id.pop(pending.message_id, None)

    def resend(self, pending: PendingMessage, not_before: float = 0.0) -> None:
        """Send a message again, not before a monotonic time. No effect on a message that was removed."""
        if pending.message_id not in self._by_id:
            return
        pending.not_before = not_before
        lane = self._lanes[pending.kind]
        lane.sent.pop(pending.message_id, None)
        lane.waiting[pending.message_id] = pending

    def requeue_all(self) -> None:
        """Queue every pending message again in its original order, for a new connection."""
        for lane in self._lanes.values():
            everything = {**lane.sent, **lane.waiting}
            # Ids increase in the order in which messages were added, which must be the order in which they arrive.
            lane.waiting = {message_id: everything[message_id] for message_id in sorted(everything)}
            lane.sent = {}
            for pending in lane.waiting.values():
                # A delay that was requested over the old connection does not apply to the new one.
                pending.not_before = 0.0


@dataclass(slots=True, eq=False)
class _JobProgress:
    report: JobReport
    unsent: bool = True
    in_flight_id: int | None = None
    """Id of the last sent message while it has no answer. The next report waits for that answer."""
    not_before: float = 0.0


class ProgressBuffer:
    """The newest progress report of each running job. Best effort: reports may be merged or skipped."""

    def __init__(
        self, ids: Iterator[int] | None = None, *, min_interval_seconds: float = MIN_PROGRESS_INTERVAL_SECONDS
    ) -> None:
        self._ids = ids if ids is not None else count(1)
        self._min_interval_seconds = min_interval_seconds
        self._jobs: dict[str, _JobProgress] = {}
        self._job_by_id: dict[int, str] = {}

    def update(self, report: JobReport) -> None:
        """Merge a report into the job's state: a field that it omits keeps its last value."""
        job = self._jobs.get(report.job_id)
        if job is None or job.report.attempt != report.attempt:
            self._jobs[report.job_id] = _JobProgress(report)
            return
        old = job.report
        job.report = msgspec.structs.replace(
            report,
            progress=report.progress if report.progress is not None else old.progress,
            message=report.message if report.message is not None else old.message,
        )
        job.unsent = True

    def remove_job(self, job_id: str) -> None:
        """Drop the state of a job. Idempotent."""
        job = self._jobs.pop(job_id, None)
        if job is not None and job.in_flight_id is not None:
            self._job_by_id.pop(job.in_flight_id, None)

    def due_at(self) -> float | None:
        """Monotonic time at which the next report is due; `None` when there is none to send."""
        return min((job.not_before for job in self._jobs.values() if _is_sendable(job)), default=None)

    def take_frame(self, now: float, limit_bytes: int = sys.maxsize) -> bytes | None:
        """The frame of one due report, marked as sent. Its message is cut when the frame exceeds the limit."""
        for job_id, job in self._jobs.items():
            if _is_sendable(job) and job.not_before <= now:
                message_id = next(self._ids)
                job.unsent, job.in_flight_id = False, message_id
                job.not_before = now + self._min_interval_seconds
                self._job_by_id[message_id] = job_id
                frame = codec.encode(job.report, message_id)
                return frame if len(frame) <= limit_bytes else codec.encode(messages.shortened(job.report), message_id)
        return None

    def acknowledge(self, message_id: object) -> str | None:
        """Record an answer. Returns the job id, or `None` when the id is not that of a progress report."""
        job_id = self._job_by_id.pop(message_id, None) if isinstance(message_id, int) else None
        if job_id is not None:
            self._jobs[job_id].in_flight_id = None
        return job_id

    def resend(self, job_id: str, not_before: float) -> None:
        """Send the newest report of a job again, not before a monotonic time."""
        job = self._jobs.get(job_id)
        if job is not None:
            job.unsent, job.not_before = True, not_before

    def requeue_all(self) -> None:
        """Queue the newest report of every job again, for a new connection."""
        self._job_by_id.clear()
        for job in self._jobs.values():
            job.unsent, job.in_flight_id, job.not_before = True, None, 0.0


def _is_sendable(job: _JobProgress) -> bool:
    return job.unsent and job.in_flight_id is None
