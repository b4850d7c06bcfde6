"""Refused credentials: a budget per address, and counts per minute for the log and the audit trail.

A valid credential never waits. A wrong one of an address that is over its budget is answered after a second, so the
number of guesses is limited by the number of connections of the address. Refusals cannot fill the log or the audit
trail: each has a bounded number of entries a minute.

Source: docs/explanation/security.md, Guessing.
"""

import logging
from collections import Counter, OrderedDict
from dataclasses import dataclass

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.instants import Instant, rfc3339
from casare_rpa.domain.limits import RateLimit, TokenBucket
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.auth.client_address import network_of
from casare_rpa.infrastructure.orchestrator.ports.admin import AdminStore
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

logger = logging.getLogger(__name__)

BUDGET = RateLimit(per_second=2, burst=100)
DELAY_SECONDS = 1.0
REPORT_SECONDS = 60.0
ADDRESSES = 10_000
ENTRIES_PER_REPORT = 50
OTHERS = "other addresses"
UNAUTHENTICATED = "unauthenticated"
ACTION = "refused_credentials"
GUESSED = ("api_key", "api_secret", "token", "ticket")
"""The fields of credentials that can be guessed. The password has turns of its own: see login_turns.py."""
_KINDS = {"username or password": "password", "credentials": "missing"}


def kind_of(error: AuthError) -> str:
    """A kind of refusal: the credential's name, or why a valid one was not sufficient."""
    if error.close_code is CloseCode.FORBIDDEN:
        return "forbidden"
    if error.close_code is CloseCode.AUTH_EXPIRED and error.field != "ticket":
        return "expired"
    return _KINDS.get(error.field or "", error.field or "other")


@dataclass(slots=True)
class _Budget:
    """The budget of one address, and the digest of its last wrong key."""

    tokens: TokenBucket
    last_guess: str | None = None


class RefusedCredentials:
    """Counts of this instance since the last report."""

    def __init__(
        self, store: AdminStore, clock: Clock, *, entries: int = ENTRIES_PER_REPORT, addresses: int = ADDRESSES
    ) -> None:
        self._store = store
        self._clock = clock
        self._entries = entries
        self._addresses = addresses
        self._budgets: OrderedDict[str, _Budget] = OrderedDict()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._since: Instant = clock.now()

    def __len__(self) -> int:
        """Budgets and counts in memory."""
        return len(self._budgets) + len(self._counts)

    async def note(self, address: str, error: AuthError) -> None:
        """Count a refusal. Returns after a second if the address is over its budget of wrong credentials.

        The key of the previous refusal costs nothing again: robots send a refused key once more, in the URL.
        """
        kind = kind_of(error)
        known = (address, kind) in self._counts or len(self._counts) < self._addresses
        self._counts[(address if known else OTHERS, kind)] += 1
        if kind in GUESSED and self._is_over_budget(network_of(address), error.guess):
            await self._clock.sleep(DELAY_SECONDS)

    async def report(self) -> None:
        """Write the counts since the last report to the audit trail and the log. Raises StoreUnavailable."""
        counts, since = self._summary(), rfc3339(self._since)
        if not counts:
            self._since = self._clock.now()
            return
        now = self._clock.now()
        entries = [
            NewAudit(now, UNAUTHENTICATED, ACTION, address, f"{number} {kind} since {since}")
            for (address, kind), number in counts
        ]
        noted = self._counts.copy()
        await self._store.add_audit_entries(entries)
        self._counts -= noted  # refusals during the write are part of the next report
        self._since = now
        for (address, kind), number in counts:
            logger.warning("refused credentials: %d %s from %s since %s", number, kind, address, since)

    def _summary(self) -> list[tuple[tuple[str, str], int]]:
        """The largest counts, and for each kind the sum of all other addresses."""
        ordered = self._counts.most_common()
        others: Counter[tuple[str, str]] = Counter()
        for (_, kind), number in ordered[self._entries :]:
            others[(OTHERS, kind)] += number
        return ordered[: self._entries] + others.most_common()

    def _is_over_budget(self, network: str, guess: str | None) -> bool:
        now = self._clock.monotonic()
        budget = self._budgets.get(network)
        if budget is None:
            budget = self._budgets[network] = _Budget(TokenBucket(BUDGET, now))
            if len(self._budgets) > self._addresses:
                self._budgets.popitem(last=False)
        self._budgets.move_to_end(network)
        repeated = guess is not None and guess == budget.last_guess
        budget.last_guess = guess
        return not repeated and budget.tokens.take(now) > 0
