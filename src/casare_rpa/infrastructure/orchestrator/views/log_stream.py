"""The stream of log lines: from robots into the store, then to viewers. Viewers see stored lines only."""

import asyncio
from collections.abc import Sequence

from msgspec import UNSET, Struct

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.errors import CasareError, ProtocolError, StoreUnavailable
from casare_rpa.domain.feed import Feed
from casare_rpa.domain.instants import Instant, from_datetime, rfc3339
from casare_rpa.domain.logs import LogFilter, LogLine, StoredLine, parse_level, truncate
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus, LinesStored
from casare_rpa.infrastructure.orchestrator.hub.answers import PendingAnswer
from casare_rpa.infrastructure.orchestrator.hub.hub import Audience, Hub
from casare_rpa.infrastructure.orchestrator.hub.outbox import OutboundMessage, Policy, outgoing
from casare_rpa.infrastructure.orchestrator.hub.session import Session
from casare_rpa.infrastructure.orchestrator.ports.bus import Hint
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.logs import LogStore
from casare_rpa.infrastructure.orchestrator.ports.sockets import Unfinished
from casare_rpa.infrastructure.orchestrator.robots.live_robot import RobotConnection

BATCH_LINES = 250
BATCH_CHARACTERS = 256 * 1024
"""Size of one write. Other writes wait for it: a message of 1,000 lines is written in parts, so that the reports of
other robots do not wait for all of them, and a few large lines do not make it longer than many small ones."""
BUFFER_MESSAGES = 10_000
BUFFER_CHARACTERS = 64 * 1024 * 1024
"""Size of the lines that wait to be written, beyond which robots are not read."""
MAX_TAIL = 10_000
SCANNED = 200_000
PAGE = 200
PAGE_AFTER = 500
"""Lines of other instances that are read at once."""
SHOW_SECONDS = 0.05
LOOK_SECONDS = 0.8
LOGS = "logs"
SUBJECT = "log"


class PendingLines(Struct, frozen=True, gc=False):
    """The lines of one message that wait to be written, or a part of them."""

    connection: RobotConnection
    lines: Sequence[LogLine]
    answer: PendingAnswer
    characters: int
    message_type: str
    ends: bool = True
    """Whether these are the last lines of the message, so that it is answered after them."""

    @property
    def first_seq(self) -> int:
        """The number of the first line in the robot's journal, or 0."""
        return self.lines[0].seq if self.lines else 0


class LogStream:
    """Writes lines in batches; acknowledges and shows them once they are durable.

    Viewers get the lines of all instances, each once, in the order of their ids. Lines of other instances are read from
    the store, and only while this instance has viewers.
    """

    def __init__(
        self,
        store: LogStore,
        events: EventBus,
        hub: Hub,
        clock: Clock,
        *,
        buffer_characters: int = BUFFER_CHARACTERS,
        page: int = PAGE_AFTER,
        batch_lines: int = BATCH_LINES,
    ) -> None:
        """`batch_lines`: lines of one write."""
        self._store = store
        self._events = events
        self._page = page
        self._batch_lines = batch_lines
        self._hub = hub
        self._clock = clock
        self._queue: asyncio.Queue[PendingLines] = asyncio.Queue(BUFFER_MESSAGES)
        self._buffer_characters = buffer_characters
        self._characters = 0
        """Size of the lines in the queue."""
        self._writing = 0
        """The number of messages in the call of the store that is under way."""
        self._room = asyncio.Event()
        self._feed: Feed[StoredLine] = Feed(0)
        """The order in which viewers get lines. Without a viewer it skips all lines."""
        self._looked_at = float("-inf")
        events.subscribe(self._receive)

    def ingest(
        self,
        connection: RobotConnection,
        entries: Sequence[protocol.RobotLog],
        message_id: codec.MessageId | None,
        message_type: str = protocol.RobotLog.TYPE,
    ) -> Unfinished:
        """Queue the lines of a `log` or `log_batch`, which `message_type` says.

        Returns:
            An awaitable to finish before the robot's next message is read, if the store is behind; otherwise `None`.

        Raises:
            ProtocolError: a line of another robot, or an unknown level. No line of the message is queued then.
        """
        now = self._clock.now()
        lines: list[LogLine] = []
        characters = 0
        try:
            for entry in entries:
                line = _line_of(connection, entry, now)
                lines.append(line)
                characters += len(line.message)
        except ProtocolError as error:
            place = len(lines)
            if message_type == protocol.LogBatch.TYPE:
                error.field = f"entries[{place}].{error.field}"
            raise error.of_message(None, entries[place].job_id) from None
        answer = connection.answers.reserve(message_id)
        waiting = PendingLines(connection, lines, answer, characters, message_type)
        if len(lines) > self._batch_lines:
            return self._queue_parts(waiting)
        if self._queue.full() or self._characters >= self._buffer_characters:
            return self._queue_later(waiting)
        self._characters += characters
        self._queue.put_nowait(waiting)
        return None

    async def _queue_parts(self, whole: PendingLines) -> None:
        """Queue the lines of a large message for several writes."""
        for first in range(0, len(whole.lines), self._batch_lines):
            lines = whole.lines[first : first + self._batch_lines]
            characters = sum([len(line.message) for line in lines])
            ends = first + self._batch_lines >= len(whole.lines)
            part = PendingLines(whole.connection, lines, whole.answer, characters, whole.message_type, ends)
            await self._queue_later(part)

    async def _queue_later(self, waiting: PendingLines) -> None:
        while self._characters >= self._buffer_characters:
            self._room.clear()
            await self._room.wait()
        self._characters += waiting.characters
        await self._queue.put(waiting)

    # Showing

    def _receive(self, hint: Hint) -> None:
        if self._watched():
            self._feed.expect(hint.logs, self._clock.monotonic())
        else:
            self._skip(hint.logs)

    @property
    def lag_seconds(self) -> float:
        """How long its viewers have waited for the next one; 0 without a viewer, for whom nothing is read."""
        return self._feed.lag_seconds(self._clock.monotonic()) if self._watched() else 0.0

    def _watched(self) -> bool:
        return any(isinstance(audience, tuple) and audience[0] == LOGS for audience in self._hub.audiences())

    def _skip(self, log_id: int) -> None:
        """Pass over the lines up to this id, because there is no viewer."""
        self._feed.give_up(log_id, self._clock.monotonic())

    def _show_stored(self, lines: Sequence[StoredLine]) -> None:
        """Show lines that this instance stored in one call, when the lines before them are shown."""
        self._events.publish(LinesStored(lines[-1].log_id))
        if not self._watched():
            self._skip(lines[-1].log_id)
        elif self._feed.pass_on(lines[0].log_id, len(lines)):
            for line in lines:
                self._show(line)
        else:
            for line in lines:
                self._take(line)

    def _take(self, line: StoredLine) -> None:
        for ready in self._feed.put(line.log_id, line, self._clock.monotonic()):
            self._show(ready)

    async def show_missed(self) -> None:
        """One round: show the lines of other instances. Each second it looks for lines that no hint named."""
        if not self._watched():
            return
        now = self._clock.monotonic()
        if self._feed.overdue(now):
            await self._catch_up()
        elif now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            newest = (await self._store.lines_after(self._feed.last, 0)).last
            self._feed.expect(newest, self._clock.monotonic())

    async def _catch_up(self) -> None:
        """Show every line that was committed before this call."""
        while True:
            known = self._feed.known
            found = await self._store.lines_after(self._feed.last, self._page)
            for line in found.lines:
                if line.log_id > self._feed.last + 1:
                    self._give_up(line.log_id - 1)
                self._take(line)
            if len(found.lines) < self._page:
                if found.last > self._feed.last:
                    self._give_up(found.last)
                return self._feed.refute(known, found.last)
            await self._clock.sleep(0)

    def _give_up(self, log_id: int) -> None:
        """Skip missing lines up to this id: retention deleted them, or the ids were never used."""
        for ready in self._feed.give_up(log_id, self._clock.monotonic()):
            self._show(ready)

    def _show(self, stored: StoredLine) -> None:
        chosen = [audience for audience in audiences(stored.line) if self._hub.listens(audience)]
        if not chosen:
            return
        message = _outgoing(stored)
        for audience in chosen:
            self._hub.publish(audience, message)

    async def join(self, session: Session, wanted: LogFilter, tail: int, since: int | None) -> None:
        """Answer the handshake; send the last `tail` lines, or all lines after `since`; then new lines without a gap.

        At most the last 10,000 stored lines are sent. The first one has the number of lines left out.
        """
        audience = audience_of(wanted)
        if not self._watched():
            newest = (await self._store.lines_after(self._feed.last, 0)).last
            if not self._watched():
                self._skip(newest)
        # Subscribed before the read, so that no line between is missed. `caught_up` drops the lines that were sent
        # with the stored ones.
        self._hub.subscribe(session, audience, catching_up=True)
        await session.accept()
        last = since or 0
        if tail or since is not None:
            wanted_ids = await self._store.recent_logs(wanted, SCANNED if since is not None else tail, last)
            last = await self._replay(session, wanted_ids, last)
            await self._catch_up()  # the stored lines may be ahead of the feed
        self._hub.caught_up(session, audience, {SUBJECT: last})

    async def _replay(self, session: Session, log_ids: Sequence[int], last: int) -> int:
        """Send stored lines page by page, as fast as the viewer reads. Returns the last id."""
        dropped = max(0, len(log_ids) - MAX_TAIL)
        for start in range(dropped, len(log_ids), PAGE):
            if session.closing:
                break
            for stored in await self._store.log_lines(log_ids[start : start + PAGE]):
                session.deliver(_outgoing(stored, dropped))
                dropped = 0
            await session.drained()
        return log_ids[-1] if log_ids else last

    @property
    def unwritten(self) -> int:
        """The number of messages with lines that are not written yet."""
        return self._queue.qsize() + self._writing

    async def write(self) -> None:
        """One round: write the next lines that wait in one call of the store."""
        batch = [await self._queue.get()]
        count, characters = len(batch[0].lines), batch[0].characters
        while count < self._batch_lines and characters < BATCH_CHARACTERS and not self._queue.empty():
            batch.append(self._queue.get_nowait())
            count += len(batch[-1].lines)
            characters += batch[-1].characters
        self._characters -= characters
        self._room.set()
        # The rest of a message of which a part was not written is dropped: the robot sends all of it again.
        batch = [
            waiting
            for waiting in batch
            if not waiting.answer.settled and (waiting.connection.line_order.refused is None or self._in_order(waiting))
        ]
        if not batch:
            return
        self._writing = len(batch)
        try:
            stored = await self._store.append_logs([line for waiting in batch for line in waiting.lines])
        except BaseException as problem:
            # Every message is answered, also after a cancel: the next message of its robot may wait for the answer.
            error = StoreUnavailable.after(problem, "the lines were not written; send them again")
            for waiting in batch:
                self._refuse(waiting, error)
            if error is not problem:
                raise
            return
        finally:
            self._writing = 0
        new = [line for line in stored if line is not None]
        if new:
            self._show_stored(new)
        for waiting in batch:
            if waiting.ends:
                waiting.connection.answers.settle((waiting.answer,))

    def _in_order(self, waiting: PendingLines) -> bool:
        """Whether lines may be written; refuses those behind lines that were not written and come again."""
        if waiting.connection.line_order.may_store(waiting.first_seq, self._clock.monotonic()):
            return True
        error = StoreUnavailable("the lines before these were not written; send them again, then these")
        waiting.connection.answers.settle((waiting.answer,), error.of_message(waiting.message_type))
        return False

    def _refuse(self, waiting: PendingLines, error: CasareError) -> None:
        waiting.connection.line_order.refuse(waiting.first_seq, self._clock.monotonic())
        waiting.connection.answers.settle((waiting.answer,), error.of_message(waiting.message_type))


def audience_of(wanted: LogFilter) -> Audience:
    """The audience of a viewer's filter."""
    return (LOGS, wanted.min_level.rank, wanted.robot_id, wanted.tenant_id)


def _outgoing(stored: StoredLine, dropped: int = 0) -> OutboundMessage:
    frame = codec.log_frame(codec.encode(log_message(stored.line)), stored.log_id, stored.line.seq, dropped)
    return outgoing(frame, Policy.DROP_OLDEST, subject=SUBJECT, revision=stored.log_id)


def audiences(line: LogLine) -> list[Audience]:
    """Every audience that sees this line."""
    return [
        (LOGS, rank, robot_id, tenant_id)
        for rank in range(line.level.rank + 1)
        for robot_id in (None, line.robot_id)
        for tenant_id in (None, line.tenant_id)
    ]


def log_message(line: LogLine) -> protocol.LogMessage:
    """The `log` message of viewers; `timestamp` is the robot's own clock."""
    return protocol.LogMessage(
        robot_id=line.robot_id,
        level=line.level,
        message=line.message,
        timestamp=rfc3339(line.logged_at),
        job_id=line.job_id,
        node_id=line.node_id,
        truncated=True if line.truncated else UNSET,
    )


def _line_of(connection: RobotConnection, entry: protocol.RobotLog, now: Instant) -> LogLine:
    if entry.robot_id not in (None, connection.robot_id):
        sentence = f"not the robot of this connection; expected {connection.robot_id}, or no robot_id"
        raise ProtocolError(sentence, field="robot_id")
    level = parse_level(entry.level)
    if level is None:
        raise ProtocolError(f"{entry.level!r} is not one of DEBUG, INFO, WARNING, ERROR", field="level")
    message, truncated = truncate(entry.message)
    return LogLine(
        tenant_id=connection.tenant_id,
        robot_id=connection.robot_id,
        level=level,
        message=message,
        logged_at=now if entry.timestamp is None else from_datetime(entry.timestamp),
        received_at=now,
        job_id=entry.job_id,
        node_id=entry.node_id,
        truncated=truncated,
        seq=entry.seq or 0,
    )
