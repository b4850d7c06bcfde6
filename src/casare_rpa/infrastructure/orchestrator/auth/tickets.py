"""Tickets: short-lived credentials that a browser page puts into the address of a WebSocket instead of a secret.

A ticket is valid once, for 30 seconds, for one endpoint and one principal. Tickets are kept in memory and do not
survive a restart; a client requests a new one for each connection.

Source: docs/reference/http.md.
"""

import re
import secrets
from dataclasses import dataclass

from casare_rpa.domain.credentials import Principal, digest
from casare_rpa.domain.errors import AuthError, ProtocolError, RateLimited
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.domain.websocket_paths import ticket_pattern
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock

PREFIX = "tkt_"
TICKET_SECONDS = 30.0
MOST_TICKETS = 10_000
MOST_EACH = 200
SPENT = "unknown, used or expired; get a fresh one"
ENDPOINT_PATTERN = ticket_pattern()
"""The paths that accept tickets."""


def is_ticket(text: str | None) -> bool:
    """Whether a credential has the form of a ticket."""
    return text is not None and text.startswith(PREFIX)


@dataclass(frozen=True, slots=True)
class _Issued:
    endpoint: str
    holder: Principal
    expires_at: float
    """The end of the ticket, in monotonic seconds."""


class Tickets:
    """Tickets that are neither used nor expired. Only their digests are kept."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._issued: dict[str, _Issued] = {}  # oldest first

    def issue(self, endpoint: str, holder: Principal) -> str:
        """A ticket for a connection to `endpoint`, a path such as `/ws/admin`, as the principal `holder`.

        Raises:
            ProtocolError: no such endpoint, or it accepts no tickets.
            RateLimited: too many unused tickets.
        """
        if not re.fullmatch(ENDPOINT_PATTERN, endpoint):
            raise ProtocolError(
                "the path of a WebSocket that takes tickets is expected, such as /ws/admin", field="endpoint"
            )
        now = self._clock.monotonic()
        self._forget(now)
        of_holder = sum(one.holder.name == holder.name for one in self._issued.values())
        if of_holder >= MOST_EACH or len(self._issued) >= MOST_TICKETS:
            raise RateLimited("too many unused tickets; wait", TICKET_SECONDS)
        text = PREFIX + secrets.token_urlsafe(32)
        self._issued[digest(text)] = _Issued(endpoint, holder, now + TICKET_SECONDS)
        return text

    def redeem(self, text: str, endpoint: str) -> Principal:
        """The principal of a ticket. The ticket becomes invalid, also if the endpoint is the wrong one.

        Raises:
            AuthError: 4002 unknown, used or expired; 4003 for another endpoint.
        """
        self._forget(self._clock.monotonic())
        issued = self._issued.pop(digest(text), None)
        if issued is None:
            raise AuthError(SPENT, CloseCode.AUTH_EXPIRED, field="ticket")
        if issued.endpoint != endpoint:
            raise AuthError("it is for another endpoint", CloseCode.FORBIDDEN, field="ticket")
        return issued.holder

    def _forget(self, now: float) -> None:
        """Drop expired tickets. All have the same lifetime, so the oldest expire first."""
        while self._issued:
            oldest = next(iter(self._issued))
            if self._issued[oldest].expires_at > now:
                return
            del self._issued[oldest]
