"""Slice: what robots report about their jobs, in batches, in order, answered once durable."""

import asyncio
import random
from dataclasses import dataclass

import msgspec

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.errors import CasareError, ProtocolError, StoreUnavailable
from casare_rpa.domain.job_events import CancelReceived, Event, Refusal, Rejected, Report
from casare_rpa.domain.jobs import ENDED
from casare_rpa.domain.protocol import MAX_RESULT_BYTES
from casare_rpa.infrastructure.orchestrator.changes import announce
from casare_rpa.infrastructure.orchestrator.hub.fleet import Fleet, Link
from casare_rpa.infrastructure.orchestrator.ports import Applied, Bus, Change, Clock, Store

QUEUE_SIZE = 10_000
BATCH_SIZE = 1_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """A report on its way into the store."""

    link: Link
    change: Change
    message_id: codec.MessageId | None


class Reports:
    """Collects what one turn brings, writes it at once, then tells robots and viewers."""

    def __init__(self, store: Store, bus: Bus, fleet: Fleet, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._fleet = fleet
        self._clock = clock
        self._queue: asyncio.Queue[Waiting] = asyncio.Queue(QUEUE_SIZE)

    async def report(self, link: Link, report: protocol.JobReport, message_id: codec.MessageId | None) -> None:
        """Take a `job_status`; waits while the store is behind, and so stops reading from that robot.

        Raises:
            ProtocolError: the result is too large or not JSON.
        """
        link.reported.add(report.job_id)
        await self._put(link, report.job_id, _event_of(link, report), message_id)

    async def reject(self, link: Link, reject: protocol.JobReject, message_id: codec.MessageId | None) -> None:
        """Take a `job_reject`."""
        event = Rejected(link.robot_id, link.session.session_id, reject.attempt, reject.reason)
        await self._put(link, reject.job_id, event, message_id)

    async def cancel_received(
        self, link: Link, received: protocol.CancelReceived, message_id: codec.MessageId | None
    ) -> None:
        """Take a `cancel_received`."""
        event = CancelReceived(link.robot_id, link.session.session_id, received.attempt)
        await self._put(link, received.job_id, event, message_id)

    async def _put(self, link: Link, job_id: str, event: Event, message_id: codec.MessageId | None) -> None:
        await self._queue.put(Waiting(link, Change(job_id, event, self._clock.now()), message_id))

    async def write(self) -> None:
        """One round: everything that waits, in one call of the store."""
        batch = [await self._queue.get()]
        while len(batch) < BATCH_SIZE and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        try:
            applied = await self._store.apply([waiting.change for waiting in batch])
        except StoreUnavailable as error:
            for waiting in batch:
                waiting.link.session.refuse(error, waiting.message_id)
            return
        for waiting, one in zip(batch, applied, strict=True):
            self._conclude(waiting, one)

    def _conclude(self, waiting: Waiting, applied: Applied) -> None:
        event, answer = waiting.change.event, applied.answer
        before = applied.before
        if isinstance(event, Report) and before is not None and not isinstance(answer, Refusal):
            ended = before.phase not in ENDED and answer.job.phase in ENDED
            if ended:
                self._fleet.end_reported(event.robot_id)
        announce(self._bus, [applied])
        session = waiting.link.session
        if isinstance(answer, Refusal):
            refusal: CasareError = ProtocolError(answer.answer)
            session.refuse(refusal, waiting.message_id)
        elif waiting.message_id is not None:
            session.send(protocol.Ack(id=waiting.message_id))


def _event_of(link: Link, report: protocol.JobReport) -> Report:
    result = None
    if isinstance(report.result, msgspec.Raw):
        result = codec.json_text(report.result, "payload.result")
        if len(result.encode()) > MAX_RESULT_BYTES:
            raise ProtocolError(f"payload.result: over {MAX_RESULT_BYTES} bytes; store it elsewhere and name it here")
    error = report.error
    return Report(
        robot_id=link.robot_id,
        session_id=link.session.session_id,
        attempt=report.attempt,
        status=report.status,
        progress=report.progress,
        message=report.message,
        result=result,
        error=msgspec.json.encode(error).decode() if error is not None else None,
        error_type=error.type if error is not None else None,
        jitter=random.random(),  # noqa: S311
    )
