"""Reports of robots about their jobs: written in batches and in order, acknowledged once durable."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.errors import CasareError, ProtocolError, StoreUnavailable
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job_errors import FailureCode
from casare_rpa.domain.job_events import CancelDelivered, Event, OfferRejected, Refusal, Report
from casare_rpa.domain.job_records import Applied, Change
from casare_rpa.domain.limits import MAX_RESULT_BYTES
from casare_rpa.domain.vocabulary import ReportStatus, RobotStatus
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus, publish_applied
from casare_rpa.infrastructure.orchestrator.hub.pacing import Pacing
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobWriter
from casare_rpa.infrastructure.orchestrator.ports.sockets import Unfinished
from casare_rpa.infrastructure.orchestrator.robots.fleet import Fleet
from casare_rpa.infrastructure.orchestrator.robots.live_robot import RobotConnection

QUEUE_SIZE = 10_000
BATCH_SIZE = 1_000
MERGED_AT_MOST = 1_000


@dataclass(slots=True, eq=False)
class PendingReport:
    """A report that waits to be written, and the ids of the messages that it answers."""

    connection: RobotConnection
    job_id: str
    event: Event | None
    """`None` for progress: the event is then made of the last values of the merged reports."""
    message_ids: list[codec.MessageId]
    at: Instant
    attempt: int | None = None
    progress: float | None = None
    message: str | None = None

    @property
    def refusals(self) -> Sequence[codec.MessageId | None]:
        """The ids for the refusals of this report. `None` is a refusal without an id, if no message has one."""
        return self.message_ids or (None,)

    def progress_report(self) -> Report:
        """The event of the merged progress."""
        return Report(
            robot_id=self.connection.robot_id,
            session_id=self.connection.session.session_id,
            attempt=self.attempt,
            status=ReportStatus.RUNNING,
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
        connection.reported.add(report.job_id)
        event = None
        if report.status is not ReportStatus.RUNNING or report.error is not None or report.result is not msgspec.UNSET:
            event = _event_of(connection, report)
        elif self._merged(connection, report, message_id):
            return None
        message_ids = [] if message_id is None else [message_id]
        waiting = PendingReport(connection, report.job_id, event, message_ids, self._clock.now())
        if event is None:
            waiting.attempt, waiting.progress, waiting.message = report.attempt, report.progress, report.message
        return self._put(waiting)

    def reject(
        self, connection: RobotConnection, reject: protocol.JobReject, message_id: codec.MessageId | None
    ) -> Unfinished:
        """Take a `job_reject`."""
        event = OfferRejected(connection.robot_id, connection.session.session_id, reject.attempt, reject.reason)
        return self._put(self._waiting_of(connection, reject.job_id, event, message_id))

    def cancel_received(
        self, connection: RobotConnection, received: protocol.CancelReceived, message_id: codec.MessageId | None
    ) -> Unfinished:
        """Take a `cancel_received`."""
        event = CancelDelivered(connection.robot_id, connection.session.session_id, received.attempt)
        return self._put(self._waiting_of(connection, received.job_id, event, message_id))

    def _waiting_of(
        self, connection: RobotConnection, job_id: str, event: Event | None, message_id: codec.MessageId | None
    ) -> PendingReport:
        return PendingReport(connection, job_id, event, [] if message_id is None else [message_id], self._clock.now())

    def _merged(
        self, connection: RobotConnection, report: protocol.JobReport, message_id: codec.MessageId | None
    ) -> bool:
        """Merge progress into a report that waits; returns whether it did. Only the newest progress is written."""
        older = self._progress.get((connection, report.job_id))
        if older is None or older.attempt != report.attempt or len(older.message_ids) >= MERGED_AT_MOST:
            return False
        if report.progress is not None:
            older.progress = report.progress
        if report.message is not None:
            older.message = report.message
        if message_id is not None:
            older.message_ids.append(message_id)
        return True

    def _put(self, waiting: PendingReport, *, admitted: bool = False) -> Unfinished:
        """Queue a report, or wait for room. One that has waited is `admitted` before those that wait behind it."""
        if not admitted and (self._outside or len(self._waiting) >= self._queue_size):
            return self._put_when_there_is_room(waiting)
        self._waiting.append(waiting)
        self._load.received += 1
        if waiting.event is None:
            self._progress[waiting.connection, waiting.job_id] = waiting
        else:
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
        waiting.at = self._clock.now()
        self._put(waiting, admitted=True)

    async def write(self) -> None:
        """One round: write the waiting reports in one call of the store, publish the changes, and acknowledge."""
        await self._some.wait()
        # Wait for other reports of this turn of the loop, or of the round under load: a commit costs the same for one
        # report as for a thousand.
        loop = asyncio.get_running_loop()
        rest = self._load.wait_seconds(self._wrote_at, loop.time())
        await self._clock.sleep(rest if len(self._waiting) < BATCH_SIZE else 0.0)
        self._wrote_at = loop.time()
        batch, self._waiting = self._waiting[:BATCH_SIZE], self._waiting[BATCH_SIZE:]
        self._progress.clear()
        if not self._waiting:
            self._some.clear()
        async with self._room:
            self._room.notify(len(batch))
        try:
            changes = [Change(one.job_id, one.event or one.progress_report(), one.at) for one in batch]
            applied = await self._store.apply(changes)
        except StoreUnavailable as error:
            for waiting in batch:
                for message_id in waiting.refusals:
                    waiting.connection.session.refuse(error, message_id)
            return
        for waiting, one in zip(batch, applied, strict=True):
            self._follow(waiting, one)
        publish_applied(self._bus, applied)
        for waiting, one in zip(batch, applied, strict=True):
            session, answer = waiting.connection.session, one.answer
            if isinstance(answer, Refusal):
                refusal: CasareError = ProtocolError(answer.answer, field=answer.field)
                for refused_id in waiting.refusals:
                    session.refuse(refusal, refused_id)
                continue
            for message_id in waiting.message_ids:
                session.send(protocol.Ack(id=message_id))

    def _follow(self, waiting: PendingReport, applied: Applied) -> None:
        """Keep `reported` to the jobs that the robot works on, and take back its `busy` when one of them ends."""
        before, answer = applied.before, applied.answer
        now = before if isinstance(answer, Refusal) else answer.job
        if now is None or now.robot_id != waiting.connection.robot_id or now.finished_at is not None:
            waiting.connection.reported.discard(waiting.job_id)
        if now is not before and now is not None and now.finished_at is not None and isinstance(waiting.event, Report):
            assert before is not None  # a step has a job before it
            if before.finished_at is None:
                live = self._fleet.get(waiting.connection.robot_id)
                if live is not None and live.said is RobotStatus.BUSY:
                    live.say(None)
                if live is not None and waiting.event.error_code == FailureCode.UNKNOWN_WORKFLOW:
                    live.refuse_workflow(before.workflow_id)


def _event_of(connection: RobotConnection, report: protocol.JobReport) -> Report:
    result = None
    if isinstance(report.result, msgspec.Raw):
        result = codec.json_text(report.result, "payload.result")
        if len(result.encode()) > MAX_RESULT_BYTES:
            raise ProtocolError(
                f"over {MAX_RESULT_BYTES} bytes; store it elsewhere and name it here", field="payload.result"
            )
    error = report.error
    return Report(
        robot_id=connection.robot_id,
        session_id=connection.session.session_id,
        attempt=report.attempt,
        status=report.status,
        progress=report.progress,
        message=report.message,
        result=result,
        error=msgspec.json.encode(error).decode() if error is not None else None,
        error_type=error.type if error is not None else None,
        error_code=error.code if error is not None else None,
        jitter=random.random(),  # noqa: S311
    )
