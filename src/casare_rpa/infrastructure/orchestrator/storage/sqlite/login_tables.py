"""The part of the SQLite store on sign-ins, and the way in which every write records its audit entry."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import TypeVar

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.credentials import LoginSession
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.limits import RateLimit
from casare_rpa.infrastructure.orchestrator.storage.batcher import Batcher
from casare_rpa.infrastructure.orchestrator.storage.cold import (
    attempt_rows,
    audit_rows,
    login_rows,
    sign_in_code_rows,
    ticket_rows,
)
from casare_rpa.infrastructure.orchestrator.storage.sqlite import id_lists
from casare_rpa.infrastructure.orchestrator.storage.sqlite.readers import Readers

T = TypeVar("T")


class LoginTables:
    """Implements `ports.logins.LoginStore`, except for the keys of robots."""

    def __init__(self, batcher: Batcher[sqlite3.Connection], readers: Readers) -> None:
        self._batcher = batcher
        self._readers = readers

    async def _audited(self, act: Callable[[sqlite3.Connection], T], audit: NewAudit) -> T:
        """A write and its audit entry in one savepoint; no entry when the write changed nothing (False, or None)."""

        def act_and_record(connection: sqlite3.Connection) -> T:
            result = act(connection)
            if result:
                audit_rows.record(connection, [(audit, 1)])
            return result

        return await self._batcher.write(act_and_record)

    async def add_login(self, login: LoginSession, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: login_rows.add(c, login), audit)

    async def login(self, login_id: str) -> LoginSession | None:
        return await self._readers.look_up(lambda c: login_rows.find(c, login_id))

    async def logins(self, login_ids: Sequence[str]) -> list[LoginSession]:
        return await self._readers.look_up(lambda c: id_lists.logins_by_id(c, login_ids))

    async def open_logins(self, at: Instant) -> list[LoginSession]:
        return await self._readers.read(lambda c: login_rows.find_open(c, at))

    async def extend_login(self, login_id: str, expires_at: Instant) -> None:
        await self._batcher.write(lambda c: login_rows.extend(c, login_id, expires_at))

    async def end_login(self, login_id: str, at: Instant, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: login_rows.end(c, login_id, at), audit)

    async def delete_logins(self, before: Instant) -> None:
        await self._batcher.write(lambda c: login_rows.delete_expired(c, before))

    async def attempt(self, account: str, limit: RateLimit, at: Instant) -> float:
        return await self._batcher.write(lambda c: attempt_rows.attempt(c, account, limit, at))

    async def add_sign_in_code(self, digest: str, expires_at: Instant, at: Instant, most: int) -> bool:
        return await self._batcher.write(lambda c: sign_in_code_rows.add(c, digest, expires_at, at, most))

    async def use_sign_in_code(self, digest: str, at: Instant) -> bool:
        return await self._batcher.write(lambda c: sign_in_code_rows.use(c, digest, at))

    async def spend(self, ticket_id: str, until: Instant) -> bool:
        return await self._batcher.write(lambda c: ticket_rows.spend(c, ticket_id, until))

    async def spent(self, ticket_ids: Sequence[str]) -> set[str]:
        return await self._readers.look_up(lambda c: id_lists.spent_tickets(c, ticket_ids))

    async def delete_spent(self, before: Instant) -> None:
        await self._batcher.write(lambda c: ticket_rows.delete_expired(c, before))
