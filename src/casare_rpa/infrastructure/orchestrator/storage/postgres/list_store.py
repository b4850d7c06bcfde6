"""The part of the store on PostgreSQL on lists of ids and retention."""

from collections.abc import Sequence

from casare_rpa.domain.credentials import LoginSession
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.infrastructure.orchestrator.storage.postgres import id_reads, retention
from casare_rpa.infrastructure.orchestrator.storage.postgres.base import PostgresTables


class PostgresLists(PostgresTables):
    """Implements parts of the store's ports."""

    async def logins(self, login_ids: Sequence[str]) -> list[LoginSession]:
        return await self._readers.look_up(lambda c: id_reads.logins_with(c, login_ids))

    async def spent(self, ticket_ids: Sequence[str]) -> set[str]:
        return await self._readers.look_up(lambda c: id_reads.spent_of(c, ticket_ids))

    async def valid_keys(self, key_ids: Sequence[str]) -> set[str]:
        return await self._readers.look_up(lambda c: id_reads.valid_keys_of(c, key_ids))

    async def delete_oldest(self, kept: RetainedKind, before: Instant, limit: int) -> int:
        return await self._cold_writes.write_alone(lambda c: retention.delete_expired_rows(c, kept, before, limit))

    async def delete_oldest_lines(self, robot_id: str, limit: int) -> int:
        return await self._cold_writes.write_alone(lambda c: retention.delete_lines_of_robot(c, robot_id, limit))
