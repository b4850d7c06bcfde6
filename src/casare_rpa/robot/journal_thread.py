"""A journal in a thread of its own: the event loop of the robot never waits for the disk.

Entries that arrive while the disk is busy share the next commit, so fifty jobs that start or end together cost about
as much as one. An entry is written in the order in which it was added.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, NamedTuple, TypeVar

from msgspec.structs import replace

from casare_rpa.domain.protocol import JobReport, RobotLog
from casare_rpa.robot.journal import Journal

logger = logging.getLogger(__name__)

GATHER_SECONDS = 0.002
"""How long a commit waits for further entries, if the last one had several: a commit costs the same for all of them."""
MAX_WAITING = 10_000
"""Entries that wait for the disk. Beyond it the robot waits, so that a disk that stands still costs no memory."""

T = TypeVar("T")


class _Call(NamedTuple):
    run: Callable[[], Any]
    done: Callable[[Any], None] | None = None
    """Called on the event loop with the result, for a durable call after the commit."""
    durable: bool = False


class JournalThread:
    """Implements `Spool` with a journal that only this object uses. Used on one event loop.

    The first error of the journal that is not a failing disk is raised by each later call.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        gather_seconds: float = GATHER_SECONDS,
        max_waiting: int = MAX_WAITING,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.journal_id = journal.journal_id
        self._journal = journal
        self._gather_seconds = gather_seconds
        self._max_waiting = max_waiting
        self._sleep = sleep
        self._loop = asyncio.get_running_loop()
        self._next_seq = journal.next_seq
        self._dropped = 0
        self._error: BaseException | None = None
        self._closed = False
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write and commit every entry, and close the journal. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._calls.put(None)
        self._thread.join()
        self._journal.close()

    # Entries

    async def record_start(self, job_id: str, attempt: int) -> bool:
        """Record the start of an attempt. Returns False when this or an earlier process has started it before."""
        recorded: asyncio.Future[bool] = self._loop.create_future()

        def tell(result: bool) -> None:
            if not recorded.done():
                recorded.set_result(result)

        self._put(_Call(partial(self._journal.record_start, job_id, attempt), tell, durable=True))
        return await recorded

    def add_end(self, report: JobReport, stored: Callable[[], None]) -> None:
        """Store an end; `stored` is called once it is durable, or in memory because the disk fails."""
        self._put(_Call(partial(self._journal.add_end, report), lambda _: stored(), durable=True))

    def remove_end(self, job_id: str, attempt: int | None) -> None:
        """Remove an end, with the next commit: one that a crash brings back is sent again, and is answered again."""
        self._put(_Call(partial(self._journal.remove_end, job_id, attempt)))

    def pending_ends(self) -> list[JobReport]:
        """Stored ends in order, including those of earlier processes."""
        return self._ask(self._journal.pending_ends)

    def add_line(self, entry: RobotLog) -> RobotLog:
        """Store a log line and return it with its number. Durable after the next `sync`."""
        numbered = replace(entry, seq=self._next_seq)
        self._next_seq += 1  # as the journal numbers it: all lines pass here, in this order
        self._put(_Call(partial(self._journal.add_line, entry)))
        return numbered

    def lines_after(self, seq: int, limit: int) -> list[RobotLog]:
        """Stored lines with a number above `seq`, in order."""
        return self._ask(partial(self._journal.lines_after, seq, limit))

    def remove_lines(self, up_to_seq: int) -> None:
        """Remove the lines up to and including a number, with the next commit. Idempotent."""
        self._put(_Call(partial(self._journal.remove_lines, up_to_seq)))

    def take_dropped_count(self) -> int:
        """Number of lines dropped for lack of space since the last call, as far as they are written."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def sync(self) -> None:
        """Make every added line durable soon; after a failure of the disk, try the file again."""
        self._put(_Call(lambda: None, durable=True))

    # The thread

    def _put(self, call: _Call) -> None:
        self._enqueue(call)
        if self._calls.qsize() > self._max_waiting:
            self._ask(lambda: None)

    def _enqueue(self, call: _Call) -> None:
        if self._error is not None:
            raise RuntimeError("the journal has failed") from self._error
        if self._closed:
            raise RuntimeError("the journal is closed")
        self._calls.put(call)

    def _ask(self, read: Callable[[], T]) -> T:
        """The result of a call after all earlier ones.

        The event loop waits for the disk, which is rare: at the start, and while an outage left more lines than the
        memory holds.
        """
        answer: Future[T] = Future()
        self._enqueue(_Call(lambda: answer.set_result(read())))
        while True:
            try:
                return answer.result(timeout=1.0)
            except TimeoutError:
                if self._error is not None:
                    raise RuntimeError("the journal has failed") from self._error

    def _work(self) -> None:
        several = False
        while (first := self._calls.get()) is not None:
            if several:
                self._sleep(self._gather_seconds)
            calls, ended = [first], False
            while not ended and not self._calls.empty():
                call = self._calls.get()
                ended = call is None
                if call is not None:
                    calls.append(call)
            try:
                results = [call.run() for call in calls]
                if durable := sum(call.durable for call in calls):
                    self._journal.sync()
            except Exception as error:  # the edge of the thread: the next call of the event loop raises it
                logger.exception("the journal has failed")
                self._error = error
                return
            several = durable > 1
            self._answer([(call.done, result) for call, result in zip(calls, results, strict=True) if call.done])
            if ended:
                return

    def _answer(self, results: list[tuple[Callable[[Any], None], Any]]) -> None:
        dropped = self._journal.take_dropped_count()
        if not results and not dropped:
            return

        def tell() -> None:
            self._dropped += dropped
            for done, result in results:
                done(result)

        try:
            self._loop.call_soon_threadsafe(tell)
        except RuntimeError:
            if not self._loop.is_closed():
                raise
