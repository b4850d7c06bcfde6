"""The public feed of changes of jobs: pages from the store, and a signal when there may be a new change.

Each client reads from the store at its own pace, so a slow one costs no memory. Source: docs/how-to/follow-changes.md.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from casare_rpa.domain.change_sequence import NOW, ChangeSequence
from casare_rpa.domain.credentials import Principal
from casare_rpa.domain.errors import RateLimited
from casare_rpa.domain.feed import Position
from casare_rpa.domain.job_records import ShownChange
from casare_rpa.infrastructure.orchestrator.bus.events import EventBus, JobsAdded, JobsChanged
from casare_rpa.infrastructure.orchestrator.ports.bus import Hint
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobReader

MAX_STREAMS = 50
"""Open streams of one principal."""
RETRY_SECONDS = 10.0
SHORTEST_PAUSE_SECONDS = 0.02
PAUSE_PER_STREAM_SECONDS = 0.002
"""The pause of a stream between a signal and its read. All streams together read at most 500 times a second."""


class ChangePage(NamedTuple):
    """Changes after a position, in order. `next_number` is the position after them in the sequence."""

    sequence: ChangeSequence
    changes: Sequence[ShownChange]
    next_number: int

    @property
    def more(self) -> bool:
        """Whether further changes were stored when the page was read."""
        return self.next_number < self.sequence.last

    def number(self, change: ShownChange) -> int:
        """The number of a change in the sequence."""
        return change.seq if self.sequence.tenant_id is None else change.tenant_seq


class ChangeFeed:
    """Reads changes by their numbers. Events say only that there is something to read; losing one costs a second."""

    def __init__(self, store: JobReader, events: EventBus, clock: Clock, *, max_streams: int = MAX_STREAMS) -> None:
        """`max_streams`: open streams of one principal."""
        self._store = store
        self._clock = clock
        self._max_streams = max_streams
        self._streams: Counter[object] = Counter()
        """The number of open streams of each principal."""
        self._newest: dict[str | None, int] = {}
        """The greatest number that an event had, of each tenant and (`None`) of all."""
        self._bells: dict[str | None, asyncio.Event] = {}
        """Streams wait for the next event of their sequence here."""
        self.closed = False
        """Whether this instance stops, so that streams must end."""
        events.subscribe(self._note_change)
        events.subscribe(self._note_hint)

    def _note_change(self, event: JobsAdded | JobsChanged) -> None:
        newest: dict[str | None, int] = {}
        for one in event.added if isinstance(event, JobsAdded) else event.changes:
            if one.numbers.tenant_seq is not None:
                newest[None], newest[one.job.tenant_id] = one.numbers.seq, one.numbers.tenant_seq
        for key, number in newest.items():
            self._newest[key] = max(number, self._newest.get(key, 0))
            if bell := self._bells.pop(key, None):
                bell.set()

    def _note_hint(self, hint: Hint) -> None:
        """Another instance has written changes; the hint does not say of which tenants."""
        if hint.jobs > self._newest.get(None, 0):
            self._newest[None] = hint.jobs
            self._wake_all()

    def _wake_all(self) -> None:
        bells, self._bells = self._bells, {}
        for bell in bells.values():
            bell.set()

    async def page(self, tenant_id: str | None, since: str | None, limit: int) -> ChangePage:
        """Up to `limit` changes after a position, of a tenant or of all. None is the oldest position.

        Raises:
            ProtocolError: `since` is not a position, or one in another sequence.
            PositionGone: changes after it are not stored.
        """
        position = Position.parse(since) if since is not None else None
        after = 0 if position is None else position.seq
        while True:
            found = await self._store.changes_after(tenant_id, after, 0 if since == NOW else limit)
            sequence = ChangeSequence(found.epoch, tenant_id, found.deleted, found.last)
            start = sequence.start(since)
            if since == NOW:
                return ChangePage(sequence, [], start)
            if start <= after:
                page = ChangePage(sequence, found.changes, after)
                return page._replace(next_number=page.number(found.changes[-1])) if found.changes else page
            after = start  # `oldest`: read again after the deleted changes

    async def news(self, tenant_id: str | None, after: int, seconds: float) -> None:
        """Wait until there may be a change after this number, but not longer than `seconds`."""
        if self.closed:
            return
        if self._newest.get(tenant_id, 0) <= after:
            bell = self._bells.setdefault(tenant_id, asyncio.Event())
            try:
                async with asyncio.timeout(seconds):
                    await bell.wait()
            except TimeoutError:
                return
        await self._clock.sleep(max(SHORTEST_PAUSE_SECONDS, self._streams.total() * PAUSE_PER_STREAM_SECONDS))

    @contextmanager
    def stream_of(self, principal: Principal) -> Iterator[None]:
        """Count a stream while it is open.

        Raises:
            RateLimited: too many streams of this principal are open.
        """
        key = principal.holder
        if self._streams[key] >= self._max_streams:
            raise RateLimited(
                f"{self._max_streams} streams of this credential are open; close some, or read pages", RETRY_SECONDS
            )
        self._streams[key] += 1
        try:
            yield
        finally:
            self._streams[key] -= 1
            if not self._streams[key]:
                del self._streams[key]

    @property
    def open_streams(self) -> int:
        return self._streams.total()

    def close_streams(self) -> None:
        """End all streams: each ends after the page that it sends. Idempotent."""
        self.closed = True
        self._wake_all()
