"""The store port of sizes, for which no instance must run or stop."""

from typing import Protocol

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.domain.store_facts import DatabaseSize


class SizeStore(Protocol):
    """How large the stored data is, and how much of it retention may delete. Reads only."""

    async def sizes(self) -> DatabaseSize:
        """The tables in the order of their names; takes time in proportion to the database."""
        ...

    async def count_kept(self, kept: RetainedKind) -> int:
        """The number of rows that retention may delete; takes time in proportion to it."""
        ...

    async def count_older(self, kept: RetainedKind, before: Instant) -> int:
        """The number of rows that `delete_oldest` would delete without a limit."""
        ...

    async def log_volumes(self) -> dict[str, int]:
        """The stored bytes of the log lines of each robot that has some, also of robots that were removed."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
