"""How the portable part of a store reaches its database. Each backend has an implementation."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection

T = TypeVar("T")


class Pace(Protocol):
    """How a search is slowed down and stopped between two parts."""

    def may_continue(self) -> bool:
        """Pause the search after a longer time of work; returns whether it may continue."""


class Reads(Protocol):
    """Runs reads of committed data outside of the event loop.

    Every method raises StoreUnavailable when the database cannot be read.
    """

    async def read(self, act: Callable[[SqlConnection], T]) -> T:
        """A read of the server itself."""
        ...

    async def look_up(self, act: Callable[[SqlConnection], T]) -> T:
        """A read of one row or a few."""
        ...

    async def search(self, act: Callable[[SqlConnection, Pace], T]) -> T:
        """A read that a user requested, and whose cost depends on the stored rows. Raises SearchTooLong."""
        ...


class Writes(Protocol):
    """Runs one write as a transaction, or in a savepoint of one that it shares with other calls."""

    async def write(self, act: Callable[[SqlConnection], T]) -> T:
        """Durable when it returns. Raises its own error, or StoreUnavailable."""
        ...
