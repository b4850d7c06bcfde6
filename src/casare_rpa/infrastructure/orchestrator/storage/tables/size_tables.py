"""Reads of the size of a database, also while instances use it. Portable."""

from collections.abc import Awaitable, Callable

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.domain.store_facts import DatabaseSize
from casare_rpa.infrastructure.orchestrator.storage.cold import retention_rows
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection
from casare_rpa.infrastructure.orchestrator.storage.tables.access import Reads


class SizeTables:
    """Implements `ports.sizes.SizeStore`."""

    def __init__(
        self, reads: Reads, measure: Callable[[SqlConnection], DatabaseSize], close: Callable[[], Awaitable[None]]
    ) -> None:
        """`measure` is the one of the backend; `close` ends `reads`."""
        self._reads = reads
        self._measure = measure
        self._close = close

    async def sizes(self) -> DatabaseSize:
        return await self._reads.read(self._measure)

    async def count_kept(self, kept: RetainedKind) -> int:
        return await self._reads.read(lambda c: retention_rows.count(c, kept))

    async def count_older(self, kept: RetainedKind, before: Instant) -> int:
        return await self._reads.read(lambda c: retention_rows.count_older(c, kept, before))

    async def log_volumes(self) -> dict[str, int]:
        return await self._reads.read(retention_rows.log_volumes)

    async def close(self) -> None:
        await self._close()
