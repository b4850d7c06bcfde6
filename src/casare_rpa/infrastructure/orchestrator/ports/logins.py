"""The store port of login sessions, and of the validity of credentials in use."""

from collections.abc import Sequence
from typing import Protocol

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.credentials import LoginSession
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.limits import RateLimit


class AttemptStore(Protocol):
    """The rate of attempts to sign in."""

    async def attempt(self, account: str, limit: RateLimit, at: Instant) -> float:
        """Count an attempt at an account; returns the seconds after `at` at which it may be checked.

        `limit.burst` attempts need not wait, and the following ones follow each other at `limit.per_second`. An
        attempt waits for a minute at most.
        """
        ...


class LoginStore(AttemptStore, Protocol):
    """Login sessions, and look-ups of the credentials that connections were opened with.

    A write and its `audit` entry are in one transaction. The entry is not written when the call returns False.
    """

    async def add_login(self, login: LoginSession, *, audit: NewAudit) -> bool:
        """False when the session exists; nothing is changed then."""
        ...

    async def login(self, login_id: str) -> LoginSession | None: ...

    async def logins(self, login_ids: Sequence[str]) -> list[LoginSession]:
        """The sessions that exist, ended ones included."""
        ...

    async def open_logins(self, at: Instant) -> list[LoginSession]:
        """Sessions that have not ended and not expired, newest first."""
        ...

    async def extend_login(self, login_id: str, expires_at: Instant) -> None:
        """Move the expiry of a session that has not ended; does nothing for others."""
        ...

    async def end_login(self, login_id: str, at: Instant, *, audit: NewAudit) -> bool:
        """False when there is no such session, or it has ended."""
        ...

    async def add_sign_in_code(self, digest: str, expires_at: Instant, at: Instant, most: int) -> bool:
        """Add the digest of a code, and delete expired ones. False when `most` codes are unused at `at`."""
        ...

    async def use_sign_in_code(self, digest: str, at: Instant) -> bool:
        """Use a code up; True for the first call only, and only before the code expires."""
        ...

    async def spend(self, ticket_id: str, until: Instant) -> bool:
        """Record the use of a ticket that expires at `until`; True for the first call with this id only."""
        ...

    async def spent(self, ticket_ids: Sequence[str]) -> set[str]:
        """Those of these tickets that were used."""
        ...

    async def delete_spent(self, before: Instant) -> None:
        """Delete the records of tickets that expired before that instant."""
        ...

    async def valid_keys(self, key_ids: Sequence[str]) -> set[str]:
        """The ids of those keys that exist and are not revoked."""
        ...

    async def delete_logins(self, before: Instant) -> None:
        """Delete sessions that expired before that instant."""
        ...
