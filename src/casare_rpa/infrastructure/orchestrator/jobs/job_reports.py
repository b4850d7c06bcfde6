"""Reports of robots about their jobs: written in batches and in order, acknowledged once durable."""

import asyncio
import random
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

import msgspec

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.errors import CasareError, ProtocolError, StoreUnavailable
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job_errors import FailureCode
from casare_rpa.domain.job_events import CancelDelivered, Event, OfferRejected, Refusal, Report, WorkSeen, text_size
from casare_rpa.domain.job_records import Applied, Change
from casare_rpa.domain.limits import MAX_RESULT_BYTES, number_at_once
from casare_rpa.domain.vocabulary import JobStatus, ReportStatus, RobotStatus
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus, publish_applied
from casare_rpa.infrastructure.orchestrator.hub.answers import PendingAnswer
from casare_rpa.infrastructure.orchestrator.hub.pacing import Pacing
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobWriter
from casare_rpa.infrastructure.orchestrator.ports.sockets import Unfinished
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.live_robot import LiveRobot, RobotConnection

QUEUE_SIZE = 10_000
BATCH_SIZE = 1_000
MERGED_AT_MOST = 1_000
_RUNNING, _CANCELED = ReportStatus.RUNNING, ReportStatus.CANCELED
_JOB_RUNNING, _BUSY = JobStatus.RUNNING, RobotStatus.BUSY
_MESSAGE_TYPES: dict[type, str] = {
    OfferRejected: protocol.JobReject.TYPE,
    CancelDelivered: protocol.CancelReceived.TYPE,
}
"""The type of message of each event; every other one is a `job_status`."""


@dataclass(slots=True, eq=False)
class PendingReport:
    """A report that waits to be written, and the ids of the messages that it answers."""

    connection: RobotConnection
    job_id: str
    event: Event | None
    """`None` for progress: the event is then made of the last values of the merged reports, which are below."""
    answers: list[PendingAnswer]
    at: Instant
    attempt: int | None = None
    progress: float | None = None
    message: str | None = None

    def about(self, error: CasareError) -> CasareError:
        """The error with the type of the message and the job that it is about."""
        return error.of_message(_MESSAGE_TYPES.get(type(self.event), protocol.JobReport.TYPE), self.job_id)

    def progress_report(self) -> Report:
        """The event of the merged progress."""
        return Report(
            robot_id=self.connection.robot_id,
            session_id=self.connection.session.session_id,
            attempt=self.attempt,
            status=_RUNNING,
            progress=self.progress,
            message=self.message,
            jitter=random.random(),  # noqa: S311
        )


class JobReports:
    """Collects reports, writes them in one call of the store, then publishes and acknowledges them."""

    def __init__(
        self,
        store: JobWriter,
        bus: EventBus,
        fleet: Fleet,
        load: Pacing,
        clock: Clock,
        *,
        queue_size: int = QUEUE_SIZE,
    ) -> None:
        self._queue_size = queue_size
        self._store = store
        self._bus = bus
        self._fleet = fleet
        self._load = load
        self._wrote_at = 0.0
        self._clock = clock
        self._waiting: list[PendingReport] = []
        self._progress: dict[tuple[RobotConnection, str], PendingReport] = {}
        """The waiting progress of each job, into which newer progress is merged."""
        self._some = asyncio.Event()
        self._room = asyncio.Condition()
        self._writing = 0
        """The number of reports in the call of the store that is under way."""
        self._outside = 0
        """The number of reports that wait for space. Later reports queue behind them."""

    def report(
        self, connection: RobotConnection, report: protocol.JobReport, message_id: codec.MessageId | None
    ) -> Unfinished:
        """Take a `job_status`.

        Returns:
            An awaitable to finish before the robot's next message is read, if the queue is full; otherwise `None`. The
            other two methods return the same.

        Raises:
            ProtocolError: the result is too large or not JSON.
        """
        event = _event_of(connection, report)
        if event is None and self._merged(connection, report, message_id):
            return None
        precedes_all = event is not None or not self._runs(connection, report.job_id)
        answer = connection.answers.reserve(message_id, precedes_all=precedes_all)
        now, job_id, attempt = self._clock.now(), report.job_id, report.attempt
        connection.note_reports([(job_id, attempt)], now)
        return self._put(
            PendingReport(connection, job_id, event, [answer], now, attempt, report.progress, report.message)
        )

    def report_all(
        self, connection: RobotConnection, reports: Sequence[protocol.JobReport], message_id: codec.MessageId | None
    ) -> Unfinished:
        """Take a `job_status_batch`: each report as in `report`, with one answer for all of them.

        Raises:
            ProtocolError: a result is too large or not JSON. No report of the message is taken then.
        """
        events = [_event_in_batch(connection, report, place) for place, report in enumerate(reports)]
        answer = connection.answers.reserve(message_id, precedes_all=True, reports=len(reports))
        now = self._clock.now()
        connection.note_reports([(report.job_id, report.attempt) for report in reports], now)
        taken: list[PendingReport] = []
        for report, event in zip(reports, events, strict=True):
            progress = report.attempt, report.progress, report.message
            taken.append(PendingReport(connection, report.job_id, event, [answer], now, *progress))
        for place, waiting in enumerate(taken):
            unfinished = self._put(waiting)
            if unfinished is not None:
                return self._put_in_order(unfinished, taken[place + 1 :])
        return None

    async def _put_in_order(self, unfinished: Awaitable[None], later: Sequence[PendingReport]) -> None:
        """Queue the other reports of a message behind one that waits for room."""
        await unfinished
        for waiting in later:
            waiting.at = self._clock.now()  # not before the time of the one that has waited
            if (full := self._put(waiting)) is not None:
                await full

    def reject(
        self, connection: RobotConnection, reject: protocol.JobReject, message_id: codec.MessageId | None
    ) -> Unfinished:
        event = OfferRejected(connection.robot_id, connection.session.session_id, reject.attempt, reject.reason)
        answers = [connection.answers.reserve(message_id, precedes_all=True)]
        return self._put(PendingReport(connection, reject.job_id, event, answers, self._clock.now()))

    def cancel_received(
        self, connection: RobotConnection, received: protocol.CancelReceived, message_id: codec.MessageId | None
    ) -> Unfinished:
        event = CancelDelivered(connection.robot_id, connection.session.session_id, received.attempt)
        answers = [connection.answers.reserve(message_id, precedes_all=True)]
        return self._put(PendingReport(connection, received.job_id, event, answers, self._clock.now()))

    def note_log_lines(self, connection: RobotConnection, entries: Sequence[protocol.RobotLog]) -> None:
        """Take log lines of a robot without `claim_ack` as signs of work on its jobs; on an offer, as its claim (T3).

        A job id in a line that the robot does not hold has no effect.
        """
        live = self._fleet.get(connection.robot_id)
        if live is None or not live.held:
            return
        held, now = live.held, self._clock.now()
        for entry in entries:
            job_id = entry.job_id
            if job_id is not None and job_id in held:
                connection.reported[job_id] = now
                if held[job_id] is JobStatus.PENDING:
                    self._imply_claim(connection, live, job_id, "a log line of the job")

    def note_busy(self, connection: RobotConnection) -> None:
        """Take `busy` of a robot without `claim_ack` as the claim of the jobs that it was offered before (T3)."""
        live = self._fleet.get(connection.robot_id)
        if live is not None and not connection.claim_ack:
            for job_id in live.held:
                self._imply_claim(connection, live, job_id, "the robot is busy")

    def _runs(self, connection: RobotConnection, job_id: str) -> bool:
        """Whether the job runs on this robot already, so that its progress changes no state."""
        live = self._fleet.get(connection.robot_id)
        return live is not None and live.held.get(job_id) is _JOB_RUNNING

    def _imply_claim(self, connection: RobotConnection, live: LiveRobot, job_id: str, note: str) -> None:
        offered = live.held[job_id] is JobStatus.PENDING and live.connection is connection
        if not offered or job_id in connection.implying or self._outside or len(self._waiting) >= self._queue_size:
            return  # the queue is full: the next line or heartbeat claims the job; its offer lasts 90 s
        connection.implying.add(job_id)
        connection.reported[job_id] = self._clock.now()
        event = WorkSeen(connection.robot_id, connection.session.session_id, note)
        self._put(PendingReport(connection, job_id, event, [], self._clock.now()))

    def _merged(
        self, connection: RobotConnection, report: protocol.JobReport, message_id: codec.MessageId | None
    ) -> bool:
        """Merge progress into a report that waits; returns whether it did. Only the newest progress is written."""
        older = self._progress.get((connection, report.job_id))
        if older is None or older.attempt != report.attempt or len(older.answers) >= MERGED_AT_MOST:
            return False
        if report.progress is not None:
            older.progress = report.progress
        if report.message is not None:
            older.message = report.message
        if message_id is not None:
            older.answers.append(connection.answers.reserve(message_id))
        return True

    def _put(self, waiting: PendingReport, *, admitted: bool = False) -> Unfinished:
        """Queue a report, or wait for room. A report that has waited is `admitted` before the reports behind it."""
        if not admitted and (self._outside or len(self._waiting) >= self._queue_size):
            return self._put_when_there_is_room(waiting)
        self._waiting.append(waiting)
        self._load.received += 1
        if waiting.event is None:
            self._progress[waiting.connection, waiting.job_id] = waiting
        else:
            # Later progress must stay behind this event, so it is not merged into progress before it.
            self._progress.pop((waiting.connection, waiting.job_id), None)
        self._some.set()
        return None

    async def _put_when_there_is_room(self, waiting: PendingReport) -> None:
        self._outside += 1
        try:
            async with self._room:
                await self._room.wait_for(lambda: len(self._waiting) < self._queue_size)
        finally:
            self._outside -= 1
        # The time of its place in the queue: times of queued reports never decrease.
        waiting.at = self._clock.now()
        self._put(waiting, admitted=True)

    @property
    def unwritten(self) -> int:
        """The number of reports that are not written yet."""
        return len(self._waiting) + self._writing + self._outside

    async def write(self) -> None:
        """One round: write the waiting reports in one call of the store, publish the changes, and acknowledge."""
        await self._some.wait()
        # Wait for other reports of this turn of the loop, or of the round under load: a commit costs the same for one
        # report as for a thousand.
        loop = asyncio.get_running_loop()
        rest = self._load.wait_seconds(self._wrote_at, loop.time())
        await self._clock.sleep(rest if len(self._waiting) < BATCH_SIZE else 0.0)
        self._wrote_at = loop.time()
        number = 1  # a write has at least one report, of any size
        if len(self._waiting) > 1:
            number = number_at_once(text_size(one.event) for one in self._waiting[:BATCH_SIZE])
        batch, self._waiting = self._waiting[:number], self._waiting[number:]
        self._writing = len(batch)
        # Reports of the batch must not change while they are written: newer progress becomes a new report.
        self._progress.clear()
        if not self._waiting:
            self._some.clear()
        # As many as there is space for: waking thousands of waiting robots for each batch takes a fifth of the time.
        async with self._room:
            self._room.notify(len(batch))
        try:
            changes = [Change(one.job_id, one.event or one.progress_report(), one.at) for one in batch]
            applied = await self._store.apply(changes)
        except BaseException as problem:
            # Every message is answered, also after a cancel: the next message of its robot may wait for the answer.
            error = StoreUnavailable.after(problem, "the report was not written; send it again")
            for waiting in batch:
                waiting.connection.answers.settle(waiting.answers, waiting.about(error))
            if error is not problem:
                raise
            return
        finally:
            self._writing = 0
        # The reported status of the robots first: receivers of the events read it when they compute who can get a job.
        for waiting, one in zip(batch, applied, strict=True):
            self._follow(waiting, one)
        publish_applied(self._bus, applied)
        last = {waiting.connection: waiting for waiting in batch}
        for waiting, one in zip(batch, applied, strict=True):
            refused = one.answer if isinstance(one.answer, Refusal) else None
            refusal = ProtocolError(refused.answer, field=refused.field) if refused is not None else None
            more = last[waiting.connection] is not waiting
            waiting.connection.answers.settle(waiting.answers, refusal and waiting.about(refusal), more=more)

    def _follow(self, waiting: PendingReport, applied: Applied) -> None:
        """Keep `reported` to the jobs that the robot works on, and take back its `busy` when one of them ends.

        A `busy` that the robot sent after the report is not recorded yet: it waits for the answer to the report.
        """
        before, answer = applied.before, applied.answer
        now = before if isinstance(answer, Refusal) else answer.job
        waiting.connection.implying.discard(waiting.job_id)
        if now is None or now.robot_id != waiting.connection.robot_id or now.finished_at is not None:
            waiting.connection.reported.pop(waiting.job_id, None)
        if now is not before and now is not None and now.finished_at is not None and isinstance(waiting.event, Report):
            assert before is not None  # a step has a job before it
            if before.finished_at is None:
                live = self._fleet.get(waiting.connection.robot_id)
                if live is not None and live.reported_status is _BUSY:
                    live.set_reported_status(None)
                if live is not None and waiting.event.error_code == FailureCode.UNKNOWN_WORKFLOW:
                    live.refuse_workflow(before.workflow_id)


def _event_in_batch(connection: RobotConnection, report: protocol.JobReport, place: int) -> Report | None:
    try:
        return _event_of(connection, report)
    except ProtocolError as error:
        error.field = f"reports[{place}].{error.field}"
        raise error.of_message(None, report.job_id) from None


def _event_of(connection: RobotConnection, report: protocol.JobReport) -> Report | None:
    """The event of a report; `None` for progress, whose event is made when it is written."""
    if report.status is _RUNNING and report.error is None and report.result is msgspec.UNSET:
        return None
    result = None
    if isinstance(report.result, msgspec.Raw):
        result = codec.json_text(report.result, "result")
        if len(result.encode()) > MAX_RESULT_BYTES:
            raise ProtocolError(f"over {MAX_RESULT_BYTES} bytes; store it elsewhere and name it here", field="result")
    error = report.error
    return Report(
        robot_id=connection.robot_id,
        session_id=connection.session.session_id,
        attempt=report.attempt,
        status=ReportStatus.CANCELLED if report.status is _CANCELED else report.status,
        progress=report.progress,
        message=report.message,
        result=result,
        error=msgspec.json.encode(error).decode() if error is not None else None,
        error_type=error.type if error is not None else None,
        process=connection.process,
        error_code=error.code if error is not None else None,
        jitter=random.random(),  # noqa: S311
    )
