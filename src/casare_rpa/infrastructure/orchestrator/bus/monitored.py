"""The bus over a connection to a server, which is checked by hints that the bus sends to itself.

A connection can end without a sign: a proxy drops it, a server hangs, a listener stops to listen. Only a hint that
arrives proves that the whole way works.
"""

import asyncio
import logging
import random
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Protocol, Self

from casare_rpa.domain.errors import InvalidSettings
from casare_rpa.domain.liveness import Backoff
from casare_rpa.infrastructure.orchestrator.bus.hint_codec import decode_hint, encode_hint
from casare_rpa.infrastructure.orchestrator.ports.bus import LOOK, BusStatistics, Hint
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

logger = logging.getLogger(__name__)

OWN_HINT_SECONDS = 5.0
"""How often the bus sends a hint to itself."""
DEAD_SECONDS = 15.0
"""The time without an own hint after which the connection counts as dead."""
CONNECT_SECONDS = 5.0
CLOSE_SECONDS = 1.0
MAX_WAITING = 100
"""Hints that wait to be sent, two seconds of them. Further ones are dropped, because others look by then."""
WARNING_SECONDS = 60.0
BACKOFF = Backoff(first_seconds=0.5, cap_seconds=5.0)

Payload = bytes | str


class Link(Protocol):
    """One connection that carries hints. After its end another one is opened."""

    async def send(self, payload: bytes) -> None:
        """Send a hint to every instance, also to this one. An error ends the link."""
        ...

    async def ended(self) -> str:
        """Wait until the connection has ended, and return the reason."""
        ...

    async def close(self) -> None:
        """Close the connection at once, without waiting for the peer. Safe to call again."""
        ...


class Connector(Protocol):
    """Opens links to one server, or to one of several."""

    @property
    def kind(self) -> str: ...

    async def connect(self, receive: Callable[[Payload], None], hints_lost: Callable[[], None]) -> Link:
        """A link that calls `receive` with each hint that any instance sends from now on.

        Calls `hints_lost` when hints arrived faster than they were read. Safe to cancel.

        Raises:
            InvalidSettings: the server refuses the credentials, or what the user wants to do.
            Exception: any other reason; a later attempt may succeed.
        """
        ...


class MonitoredBus:
    """Sends hints over a link, and opens another one when it ends or when own hints do not return for 15 seconds.

    The bus is alive while its own hints return. Each time it comes alive, subscribers get `LOOK`, because hints may
    have been lost before.
    """

    def __init__(
        self, connector: Connector, clock: Clock, *, max_waiting: int = MAX_WAITING, backoff: Backoff = BACKOFF
    ) -> None:
        self.kind = connector.kind
        self.alive = False
        self.statistics = BusStatistics()
        self._connector = connector
        self._clock = clock
        self._max_waiting = max_waiting
        self._backoff = backoff
        self._id = secrets.token_hex(8)
        self._receivers: list[Callable[[Hint], None]] = []
        self._waiting: deque[bytes] = deque()
        self._wanted = asyncio.Event()
        self._linked = False
        self._own_hint_due = False
        self._own_hint_arrived_at = 0.0
        """Monotonic. The beginning of a link counts, too."""
        self._warned_at = float("-inf")
        self._malformed_at = float("-inf")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Connect, then keep a link until the context ends. A server that is away is tried again later.

        Raises:
            InvalidSettings: the server refuses the credentials.
        """
        try:
            link = await self._connect()
        except InvalidSettings:
            raise
        except Exception as problem:  # noqa: BLE001 - the edge of a driver; the instance works without hints
            link = None
            self._warn(_sentence(problem))
        keeping = asyncio.create_task(self._keep(link), name="bus")
        try:
            yield self
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
            if link is not None:
                await close_link(link)  # if the task did not begin

    def ring(self, hint: Hint) -> None:
        if not self._linked or len(self._waiting) >= self._max_waiting:
            self.statistics.dropped += 1
            return
        self._waiting.append(encode_hint(hint))
        self._wanted.set()

    def subscribe(self, receive: Callable[[Hint], None]) -> None:
        self._receivers.append(receive)

    # The link

    async def _connect(self) -> Link:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await self._connector.connect(self._receive, self._deliver_look)

    async def _keep(self, link: Link | None) -> None:
        """Use a link until it ends, then open another one, for as long as the bus runs."""
        attempt = 0
        while True:
            if link is not None:
                reason, was_alive = await self._use(link)
                self._warn(reason)
                attempt = 0 if was_alive else attempt
            await self._clock.sleep(self._backoff.delay(attempt, random.uniform(0.5, 1.0)))  # noqa: S311 - jitter
            attempt += 1
            link = None
            try:
                link = await self._connect()
            except Exception as problem:  # noqa: BLE001 - the edge of a driver; the next attempt may succeed
                self._warn(_sentence(problem))

    async def _use(self, link: Link) -> tuple[str, bool]:
        """Send and receive over a link until it ends. Returns the reason, and whether an own hint had arrived."""
        self._own_hint_arrived_at = self._clock.monotonic()
        self._linked = True
        works = (self._send(link), self._make_own_hints(), self._watch(), link.ended())
        tasks: list[asyncio.Task[str]] = [asyncio.create_task(work) for work in works]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return _end_of(done.pop()), self.alive
        finally:
            self._linked = self.alive = self._own_hint_due = False
            await close_link(link)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.statistics.dropped += len(self._waiting)
            self._waiting.clear()

    async def _send(self, link: Link) -> str:
        own = encode_hint(Hint(self._id))
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._own_hint_due or self._waiting:
                if self._own_hint_due:
                    self._own_hint_due = False
                    await link.send(own)
                else:
                    await link.send(self._waiting[0])
                    self._waiting.popleft()
                    self.statistics.sent += 1

    async def _make_own_hints(self) -> str:
        while True:
            self._own_hint_due = True
            self._wanted.set()
            await self._clock.sleep(OWN_HINT_SECONDS)

    async def _watch(self) -> str:
        while (left := self._own_hint_arrived_at + DEAD_SECONDS - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)
        return f"no hint arrived for {DEAD_SECONDS:.0f} s, not even those of this instance"

    # Hints that arrive

    def _receive(self, payload: Payload) -> None:
        hint = decode_hint(payload)
        if hint is None:
            self.statistics.dropped += 1
            now = self._clock.monotonic()
            if now - self._malformed_at >= WARNING_SECONDS:
                self._malformed_at = now
                logger.warning("bus: dropped a message of %d characters that is not a hint", len(payload))
        elif hint.instance == self._id:
            self._note_own_hint()
        elif hint != Hint(hint.instance):  # otherwise another instance sent it to itself
            self.statistics.received += 1
            self._deliver(hint)

    def _note_own_hint(self) -> None:
        self._own_hint_arrived_at = self._clock.monotonic()
        if self._linked and not self.alive:
            self.alive = True
            self._warned_at = float("-inf")
            logger.info("bus: hints arrive (%s)", self.kind)
            self._deliver_look()

    def _deliver_look(self) -> None:
        self._deliver(LOOK)

    def _deliver(self, hint: Hint) -> None:
        for receive in self._receivers:
            try:
                receive(hint)
            except Exception:  # the edge of a receiver: the other receivers must get the hint
                logger.exception("bus: %s failed", getattr(receive, "__qualname__", receive))

    def _warn(self, reason: str) -> None:
        """Log why the bus is not alive, once a minute."""
        now = self._clock.monotonic()
        if now - self._warned_at >= WARNING_SECONDS:
            self._warned_at = now
            logger.warning(
                "bus: no connection to %s (%s); until it is back, this instance looks for changes every second",
                self.kind,
                reason,
            )


async def close_link(link: Link) -> None:
    """Close a link, within a second and without an error."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await link.close()
    except Exception as problem:  # noqa: BLE001 - the edge of a driver; the link is not used again
        logger.debug("bus: closing a connection: %s", _sentence(problem))


def _end_of(task: asyncio.Task[str]) -> str:
    """The reason why a link ended."""
    problem = task.exception()
    return task.result() if problem is None else _sentence(problem)


def _sentence(problem: BaseException) -> str:
    if isinstance(problem, TimeoutError) and not str(problem):
        return f"no answer within {CONNECT_SECONDS:.0f} s"
    return f"{type(problem).__name__}: {problem}"
