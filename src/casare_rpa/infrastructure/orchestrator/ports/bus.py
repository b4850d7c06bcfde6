"""The bus between the instances that share a store. It carries hints; the store has the content."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec


class Hint(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Says where committed changes are. It has ids and numbers only, so that a lost, repeated or late one is harmless.

    One instance makes at most one hint in 20 ms. A field with its default value says nothing about its subject.
    """

    instance: str
    """The instance that committed the changes; empty if a bus made the hint."""
    jobs: int = 0
    """The number of the newest change of a job that viewers see."""
    logs: int = 0
    """The id of the newest log line."""
    progress: tuple[str, ...] = ()
    """Ids of jobs whose progress changed, up to MAX_IDS. Progress of more jobs is found by a comparison."""
    robots: tuple[str, ...] = ()
    """Ids of robots whose row or held jobs changed, up to MAX_IDS."""
    all_robots: bool = False
    """More robots changed than a hint can list: compare all."""
    orders: bool = False
    """The store has a new order for an instance: a cancel, a drain, a restart, a revoked key or session."""
    queues: bool = False
    """A queue was paused or resumed."""
    work: bool = False
    """A job may be ready for an offer."""


MAX_IDS = 50
"""The largest number of robots, and of jobs, in a hint. It keeps a hint below 8,000 bytes."""

LOOK = Hint("", all_robots=True, orders=True, queues=True, work=True)
"""The hint of a bus that may have lost hints, for example after a reconnect: look at everything."""


@dataclass(slots=True)
class BusStatistics:
    """Hints since the start of the process, without those by which a bus checks its connection."""

    sent: int = 0
    received: int = 0
    """Hints that arrived, also those of this instance."""
    dropped: int = 0
    """Hints that were not sent, and messages that are not hints."""


class Bus(Protocol):
    """Delivers the hints of one instance to all others. It may lose, repeat and delay them."""

    @property
    def kind(self) -> str:
        """The way of the hints: `postgresql`, `nats`, `off`, or `alone` if there is no other instance."""
        ...

    @property
    def statistics(self) -> BusStatistics: ...

    @property
    def alive(self) -> bool:
        """Whether the bus works as it is set up.

        Without hints, changes of other instances are seen up to a second late.
        """
        ...

    def ring(self, hint: Hint) -> None:
        """Send a hint to the other instances. Never blocks and never raises; a hint that cannot be sent is dropped."""
        ...

    def subscribe(self, receive: Callable[[Hint], None]) -> None:
        """Call `receive` in the event loop with each hint that arrives; it may be one of this instance."""
        ...
