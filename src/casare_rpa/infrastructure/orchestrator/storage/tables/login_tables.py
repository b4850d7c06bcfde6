"""The part of a store on sign-ins, and the way in which every write records its audit entry. Portable."""

from collections.abc import Callable
from typing import TypeVar

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.credentials import LoginSession
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.limits import RateLimit
from casare_rpa.infrastructure.orchestrator.storage.cold import (
    attempt_rows,
    audit_rows,
    login_rows,
    sign_in_code_rows,
    ticket_rows,
)
from casare_rpa.infrastructure.orchestrator.storage.statements import SqlConnection
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits
from casare_rpa.infrastructure.orchestrator.storage.tables.access import Reads, Writes

T = TypeVar("T")


class LoginTables:
    """Implements `ports.logins.LoginStore`, except for the keys of robots and lists of ids."""

    def __init__(self, reads: Reads, writes: Writes, limits: StoreLimits) -> None:
        self._reads = reads
        self._writes = writes
        self._limits = limits

    async def _audited(self, act: Callable[[SqlConnection], T], audit: NewAudit) -> T:
        """A write and its audit entry in one savepoint; no entry when the write changed nothing (False, or None)."""

        def act_and_record(connection: SqlConnection) -> T:
            result = act(connection)
            if result:
                audit_rows.record(connection, [(audit, 1)])
            return result

        return await self._writes.write(act_and_record)

    async def add_login(self, login: LoginSession, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: login_rows.add(c, login), audit)

    async def login(self, login_id: str) -> LoginSession | None:
        return await self._reads.look_up(lambda c: login_rows.find(c, login_id))

    async def open_logins(self, at: Instant) -> list[LoginSession]:
        return await self._reads.read(lambda c: login_rows.find_open(c, at))

    async def extend_login(self, login_id: str, expires_at: Instant) -> None:
        await self._writes.write(lambda c: login_rows.extend(c, login_id, expires_at))

    async def end_login(self, login_id: str, at: Instant, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: login_rows.end(c, login_id, at), audit)

    async def delete_logins(self, before: Instant) -> None:
        await self._writes.write(lambda c: login_rows.delete_expired(c, before))

    async def attempt(self, account: str, limit: RateLimit, at: Instant) -> float:
        return await self._writes.write(lambda c: attempt_rows.attempt(c, account, limit, at))

    async def add_sign_in_code(self, digest: str, expires_at: Instant, at: Instant, most: int) -> bool:
        return await self._writes.write(lambda c: sign_in_code_rows.add(c, digest, expires_at, at, most))

    async def use_sign_in_code(self, digest: str, at: Instant) -> bool:
        return await self._writes.write(lambda c: sign_in_code_rows.use(c, digest, at))

    async def spend(self, ticket_id: str, until: Instant) -> bool:
        return await self._writes.write(lambda c: ticket_rows.spend(c, ticket_id, until))

    async def delete_spent(self, before: Instant) -> None:
        await self._writes.write(lambda c: ticket_rows.delete_expired(c, before))
