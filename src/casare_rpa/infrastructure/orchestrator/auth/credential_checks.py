"""Checks the credentials of open connections: once after each connection was attached, then every minute.

A revocation closes the connections that are attached when it is committed. A connection whose credential was read
before the revocation, and that is attached after it, would stay open; the first check closes it. The later checks close
connections whose credential another instance revoked.
"""

import logging
from collections import OrderedDict
from itertools import islice, takewhile

from casare_rpa.infrastructure.orchestrator.auth.authenticator import Authenticator
from casare_rpa.infrastructure.orchestrator.hub.session import Session
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

logger = logging.getLogger(__name__)

RECHECK_SECONDS = 60.0
SESSIONS_PER_READ = 1_000


class CredentialChecks:
    """The attached sessions whose credential can be revoked: those of a robot key or of a login session."""

    def __init__(
        self, authenticator: Authenticator, clock: Clock, *, sessions_per_read: int = SESSIONS_PER_READ
    ) -> None:
        self._authenticator = authenticator
        self._clock = clock
        self._sessions_per_read = sessions_per_read
        self._due_at: OrderedDict[Session, float] = OrderedDict()
        """The time at which the check of each session is due, in monotonic seconds; the earliest is first."""

    def __len__(self) -> int:
        return len(self._due_at)

    def watch(self, session: Session) -> None:
        """Check the session in the next round; call it after the session was attached or its principal replaced."""
        if session.principal.key_id is None and session.principal.login_id is None:
            self.unwatch(session)
            return
        # Before all others, which keeps the dictionary in the order of time.
        self._due_at[session] = float("-inf")
        self._due_at.move_to_end(session, last=False)

    def unwatch(self, session: Session) -> None:
        self._due_at.pop(session, None)

    async def check_due(self) -> None:
        """One round. Raises StoreUnavailable; sessions that were not checked stay due."""
        now = self._clock.monotonic()
        while some := self._due(now):
            await self._check(some, now)

    def _due(self, now: float) -> list[Session]:
        due = takewhile(lambda one: self._due_at[one] <= now, self._due_at)
        return list(islice(due, self._sessions_per_read))

    async def _check(self, sessions: list[Session], now: float) -> None:
        checked = {session: session.principal for session in sessions}
        refused = await self._authenticator.no_longer_valid(set(checked.values()))
        for session, principal in checked.items():
            if session.principal is not principal or session not in self._due_at:
                continue  # replaced or detached while the store was read; a replaced one is due again
            self._due_at[session] = now + RECHECK_SECONDS
            self._due_at.move_to_end(session)
            if error := refused.get(principal):
                logger.info("closing a connection of %s: %s", principal.name, error)
                session.send_error(error.code, str(error))
                session.close(error.close_code)
